import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { failureOf } from '../messages/failure.ts'
import { SpanEnded, SpanStarted, type SpanAttributes } from '../messages/observability.ts'

/** The scope of the handler, inside of a span: what takes it as its scope becomes a span below. */
export interface SpanScope extends Scope {
  readonly span: string
}

/**
 * Runs a part of a handler's work as a span of its own: `SpanStarted`, the work, `SpanEnded`. Resolves to what the work
 * returns, or rejects with its own error. For a span below, hand the scope that `work` gets to another `withSpan`.
 *
 * @param scope a handler's or subscriber's
 * @throws what `publish` throws, before the work begins
 */
export async function withSpan<T>(
  scope: Scope | SpanScope,
  name: string,
  work: (scope: SpanScope) => T | Promise<T>,
  attributes?: SpanAttributes,
): Promise<T> {
  const span = scope.newId()
  const startedAt = scope.now()
  const parent = 'span' in scope ? scope.span : undefined
  scope.publish(SpanStarted, { span, name, parent, attributes })

  const ended = (end: { status: 'ok' } | { status: 'error' | 'cancelled'; error: unknown }): void => {
    const ms = Math.max(0, scope.now() - startedAt)
    const error = 'error' in end ? failureOf(end.error) : undefined
    try {
      scope.publish(SpanEnded, { span, name, ms, status: end.status, error })
    } catch (refusal) {
      // Only a bus that stopped meanwhile: its journal is closed, and the work's own outcome counts.
      if (!(refusal instanceof BuslineError && refusal.code === 'BUS_STOPPED')) throw refusal
    }
  }

  let result: T
  try {
    result = await work(insideOf(scope, span))
  } catch (error) {
    ended({ status: wasCancelled(error) ? 'cancelled' : 'error', error })
    throw error
  }
  ended({ status: 'ok' })
  return result
}

/** By the error, not by the signal: to look at that is to ask for time to clean up. */
function wasCancelled(error: unknown): boolean {
  if (error instanceof BuslineError) return error.code === 'CANCELLED' || error.code === 'ABANDONED'
  return error instanceof Error && error.name === 'AbortError'
}

function insideOf(scope: Scope, span: string): SpanScope {
  return {
    span,
    message: scope.message,
    session: scope.session,
    turn: scope.turn,
    cause: scope.cause,
    context: scope.context,
    deadline: scope.deadline,
    get signal() {
      return scope.signal
    },
    execute: (command, input, options) => scope.execute(command, input, options),
    publish: (event, data) => scope.publish(event, data),
    schedule: scope.schedule.bind(scope),
    now: () => scope.now(),
    newId: () => scope.newId(),
    random: () => scope.random(),
    sleep: (ms) => scope.sleep(ms),
  }
}
