import { BuslineError } from '../messages/busline-error.ts'
import { TurnCancelled, TurnFailed, TurnFinished, type TurnResult } from '../messages/chat.ts'
import { failureOf } from '../messages/failure.ts'
import { CommitTurn } from '../messages/session.ts'
import { append, atCurrentVersion } from './append-messages.ts'
import type { Turn } from './turn.ts'

type Status = 'ok' | 'error' | 'cancelled' | 'timeout'

/** Commits a turn that came to a reply, and says so. */
export async function finishTurn(
  turn: Turn,
  reply: string,
  finishReason: string | null,
): Promise<TurnResult> {
  await commit(turn, 'ok')
  const result = turn.result(reply, finishReason)
  turn.scope.publish(TurnFinished, result)
  turn.ended = true
  return result
}

/**
 * Ends a turn that failed or was cancelled: what the model had said so far stays in the session, calls without a result
 * get one, the turn is committed, and exactly one event says how it ended. What fails here does not hide the reason.
 * Does nothing for a turn that has ended.
 */
export async function breakTurn(turn: Turn, reason: unknown): Promise<void> {
  if (turn.ended) return
  turn.ended = true
  const status = statusOf(turn, reason)
  const keep = async (): Promise<void> => {
    if (turn.committed) return
    await keepWhatWasSaid(turn, reason)
    await commit(turn, status)
  }
  const rescue = await Promise.allSettled([keep()])
  const lost = rescue.find((attempt) => attempt.status === 'rejected')
  const error = failureOf(reason)
  if (lost && lost.reason !== reason) error.cause ??= failureOf(lost.reason)

  const ended = { turn: turn.id, error, messages: turn.messages, usage: turn.usage }
  turn.scope.publish(status === 'cancelled' ? TurnCancelled : TurnFailed, ended)
}

/** What had been said of an answer that broke off: a message that says so itself. */
export async function keepPartial(turn: Turn, text: string): Promise<void> {
  if (text === '') return
  await append(turn, [
    { role: 'assistant', content: partOf(text), meta: { ...turn.spending.takeStep(), partial: true } },
  ])
}

/** Characters of an answer that broke off which stay in the history: it is sent with every request from then on. */
const LONGEST_PARTIAL = 100_000

function partOf(text: string): string {
  return text.length <= LONGEST_PARTIAL ? text : `${text.slice(0, LONGEST_PARTIAL)}…`
}

async function keepWhatWasSaid(turn: Turn, reason: unknown): Promise<void> {
  const answered = new Set(turn.messages.map((message) => message.tool_call_id))
  const open = turn.messages
    .flatMap((message) => message.tool_calls ?? [])
    .filter((call) => !answered.has(call.id))
  await append(
    turn,
    open.map((call) => ({ role: 'tool' as const, tool_call_id: call.id, content: OUTCOME_UNKNOWN })),
  )
  await keepPartial(turn, partialText(reason) || turn.heard)
}

/** What stands for a result that never came. */
export const OUTCOME_UNKNOWN =
  'Outcome unknown: the turn ended before this call did. It may or may not have taken effect.'

/** The text that had arrived when a model call broke off. */
export function partialText(reason: unknown): string {
  const text = reason instanceof BuslineError ? reason.data['text'] : undefined
  return typeof text === 'string' ? text : ''
}

async function commit(turn: Turn, status: Status): Promise<void> {
  const { id, session, scope } = turn
  if (!session) return
  await atCurrentVersion(session, (version) => scope.execute(CommitTurn, { turn: id, status, version }))
  turn.committed = true
}

function statusOf(turn: Turn, reason: unknown): Exclude<Status, 'ok'> {
  const { signal } = turn.scope
  const cause: unknown = signal.aborted ? signal.reason : reason
  if (turn.isCancelled && !signal.aborted) return 'cancelled'
  if (cause instanceof BuslineError && cause.code === 'TIMED_OUT') return 'timeout'
  if (signal.aborted || (cause instanceof BuslineError && cause.code === 'CANCELLED')) return 'cancelled'
  return 'error'
}
