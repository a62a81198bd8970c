import type { ToolCallOutcome, TurnResult } from '../messages/chat.ts'
import { textOf, type ConversationMessage } from '../messages/conversation.ts'
import { acceptedCall, type AcceptedCall } from './accept-answer.ts'
import { lastWords, wishesIn } from './begin-turn.ts'
import { callTools } from './call-tools.ts'
import { finishTurn } from './end-turn.ts'
import type { EngineSession, InterruptedTurn } from './engine-sessions.ts'
import type { Turn } from './turn.ts'

/**
 * Goes on where a crash ended a turn, by what its session holds: counts what its steps took, runs the calls again whose
 * results are missing (their tools decide whether that is safe), then `goOn` as any turn does. A turn whose last answer had
 * come is only ended.
 */
export async function resumeTurn(
  turn: Turn,
  session: EngineSession,
  interrupted: InterruptedTurn,
  how: { maxResultLength: number; goOn: () => Promise<TurnResult> },
): Promise<TurnResult> {
  turn.session = session
  session.interrupted = undefined
  takeBack(turn, interrupted.messages)
  const last = turn.messages.findLast(({ role }) => role === 'assistant')
  const open = last ? unansweredIn(last, turn.messages) : []
  if (open.length > 0) await callTools(turn, open, { again: true, maxResultLength: how.maxResultLength })
  turn.throwIfCancelled()
  const end = turn.messages.at(-1)
  const isAnswered = end?.role === 'assistant' && end.meta?.partial !== true
  return isAnswered ? await finishTurn(turn, textOf(end), end.meta?.finishReason ?? null) : await how.goOn()
}

/** What the turn had come to, read from its messages. */
function takeBack(turn: Turn, messages: readonly ConversationMessage[]): void {
  const calls = new Map<string, AcceptedCall>()
  for (const message of messages) {
    turn.messages.push(message)
    if (message.role === 'assistant' && message.meta?.partial !== true) turn.steps++
    turn.spending.addBefore(message.meta ?? {})
    for (const call of callsIn(message)) calls.set(call.id, call)
    const answered = message.role === 'tool' ? calls.get(message.tool_call_id ?? '') : undefined
    if (answered) turn.toolCalls.push(outcomeIn(message, answered))
  }
  turn.wishes = wishesIn(messages.find(({ role }) => role === 'user'))
  turn.about = lastWords(messages)
}

function callsIn(message: ConversationMessage): AcceptedCall[] {
  const finishReason = message.meta?.finishReason ?? null
  return (message.tool_calls ?? []).map((call) => acceptedCall(call, finishReason))
}

function unansweredIn(message: ConversationMessage, history: readonly ConversationMessage[]): AcceptedCall[] {
  const answered = new Set(history.map(({ tool_call_id }) => tool_call_id))
  return callsIn(message).filter(({ id }) => !answered.has(id))
}

/** The message holds what the model was told; whether that was JSON, nobody knows any more. */
function outcomeIn(message: ConversationMessage, call: AcceptedCall): ToolCallOutcome {
  const { id, name } = call
  const error = message.meta?.error ?? null
  const content = message.content ?? null
  return { id, name, arguments: call.arguments, result: error ? null : parsed(content), error }
}

function parsed(content: unknown): unknown {
  if (typeof content !== 'string') return content
  try {
    return JSON.parse(content)
  } catch (error) {
    if (error instanceof SyntaxError) return content
    throw error
  }
}
