import { NO_OUTPUT, type Middleware, type MiddlewareMessage, type Next } from '../bus/middleware.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { failureOf } from '../messages/failure.ts'
import { OutcomeNotStored } from '../messages/policies.ts'
import { announce } from './announce.ts'
import { refuseCancelled } from './cancel-reason.ts'
import { canonicalHash } from './canonical-hash.ts'
import { checkMilliseconds, invalidOption } from './check-option.ts'
import { FirstRun, type RunEnd } from './first-run.ts'
import { heldUpBy } from './held-up-by.ts'
import { memoryOutcomes, type IdempotencyStore } from './idempotency-store.ts'
import { wait } from './wait.ts'

export interface IdempotencyOptions {
  /** Names what must be done once only, per type; undefined for what may be done again. */
  key: (message: MiddlewareMessage) => string | undefined
  /** Milliseconds for which an outcome is kept (default 24 hours). */
  ttl?: number
  /** How many outcomes are kept in this process (default 10 000), the oldest leave. Not with a `store`. */
  capacity?: number
  /** Default: outcomes of this policy's own, in this process. */
  store?: IdempotencyStore
}

const DAY = 24 * 60 * 60 * 1000

/**
 * Runs a command of one key and one input once: later ones get the stored outcome, and those that come while the first
 * one runs join it, to share its failure too. A failure is not stored. The same key with another input fails with
 * `IDEMPOTENCY_CONFLICT`; a command that would join one that waits for it, with `SELF_WAIT`. Joining is a matter of one
 * process, whatever the store.
 *
 * When the first one is cancelled or times out, the next takes its place as soon as its handler has ended. A handler that
 * still goes on a second later may yet do its work, so nobody runs beside it: those that joined and those that come fail
 * with `IDEMPOTENCY_CONFLICT` and `data.running`, its id. They do so until it ends (then its outcome is stored like any
 * other), at most for `ttl` from when it was left behind; the next run after that may overlap with it. So may one after
 * a `timeout` or `circuitBreaker` inside of this has given up such a handler: that is the end of a run, as far as is seen.
 *
 * A store that can't be read fails the command before it runs. When it can't be written afterwards, the command has
 * succeeded all the same, and `bus.outcomeNotStored` tells. Deliveries pass: their subscribers are not one another's
 * repetition.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function idempotency({ key, ttl = DAY, capacity, store }: IdempotencyOptions): Middleware {
  checkMilliseconds('idempotency', 'ttl', ttl)
  if (store && capacity !== undefined)
    throw invalidOption('idempotency', 'capacity', 'left out where there is a store', capacity)
  const outcomes = store ?? memoryOutcomes(capacity === undefined ? {} : { capacity })
  const running = new Map<string, FirstRun>()

  return async function idempotency(message, next, scope) {
    const given = message.kind === 'command' ? key(message) : undefined
    if (given === undefined) return next()
    const name = `${message.type} ${given}`
    const input = canonicalHash(message.data)
    for (let first = running.get(name); first; first = running.get(name)) {
      const { leftBehindAt } = first
      if (leftBehindAt !== undefined && scope.now() - leftBehindAt >= ttl) break
      if (first.started && first.input !== input) throw conflict(name)
      if (heldUpBy(scope, [first]).length > 0) throw selfWait(message, name)
      const end = await endOf(first, scope)
      refuseCancelled(scope)
      if (end.how === 'leftBehind') throw leftBehind(name, first)
      if (end.how === 'cancelled' && running.get(name) === first) running.delete(name)
      if (first.input !== input || end.how === 'cancelled') continue
      if (end.how === 'failed') throw end.error
      return answer(end.output)
    }

    const mine = new FirstRun(input, scope)
    running.set(name, mine)
    const work = once({ outcomes, ttl, name, input, next, scope, onStart: () => (mine.started = true) })
    void mine.follow(work)
    try {
      return await work
    } finally {
      // Another one may have its place by now.
      if (running.get(name) === mine) running.delete(name)
    }
  }
}

/** The stored outcome, or that of the handler. */
async function once(parts: {
  outcomes: IdempotencyStore
  ttl: number
  name: string
  input: string
  next: Next
  scope: Scope
  onStart: () => void
}): Promise<unknown> {
  const { outcomes, ttl, name, input, next, scope, onStart } = parts
  const stored = await outcomes.get(name, scope.now())
  if (stored && stored.input !== input) throw conflict(name)
  if (stored) return answer(stored.output)
  refuseCancelled(scope)
  onStart()
  const output = await next()
  try {
    await outcomes.set(name, { input, output }, scope.now() + ttl)
  } catch (error) {
    // It is done. Who was told that it failed would do it again.
    const { id, type } = scope.message
    announce(scope, OutcomeNotStored, { message: { id, type }, key: name, error: failureOf(error) })
  }
  return output
}

/** What was not got from `next`, as an answer. */
function answer(output: unknown): unknown {
  return output === undefined ? NO_OUTPUT : output
}

/** Joins a run: waits for its end, and leaves when the one that joined is cancelled itself. */
function endOf(first: FirstRun, scope: Scope): Promise<RunEnd> {
  return wait(scope, (serve) => {
    void first.end.then(serve)
    return () => undefined
  })
}

function conflict(key: string): BuslineError {
  return new BuslineError(
    'IDEMPOTENCY_CONFLICT',
    `The idempotency key ${JSON.stringify(key)} was used with another input. Use one key for one input.`,
    { data: { key } },
  )
}

function leftBehind(key: string, { scope }: FirstRun): BuslineError {
  const { id } = scope.message
  return new BuslineError(
    'IDEMPOTENCY_CONFLICT',
    `${id} with the idempotency key ${JSON.stringify(key)} was given up, but its handler goes on, so a second run might do its work twice. Try again when it has ended, and let the handler heed scope.signal.`,
    { data: { key, running: id } },
  )
}

function selfWait({ type, id }: MiddlewareMessage, key: string): BuslineError {
  return new BuslineError(
    'SELF_WAIT',
    `${type} (${id}) would wait for the outcome of ${JSON.stringify(key)}, which waits for this command.`,
    { data: { key } },
  )
}
