import type { ToolCallOutcome, TurnResult } from '../messages/chat.ts'
import { textOf, type ConversationMessage } from '../messages/conversation.ts'
import { acceptedCalls, type AcceptedCall } from './accept-answer.ts'
import { lastWords, wishesIn } from './begin-turn.ts'
import { callTools } from './call-tools.ts'
import { converse, goOnAfterTools, type Conversing } from './converse.ts'
import { finishTurn } from './end-turn.ts'
import type { EngineSession, InterruptedTurn } from './engine-sessions.ts'
import { parsedJson } from './parsed-json.ts'
import type { Turn } from './turn.ts'

/**
 * Goes on where a crash ended a turn, by what its session holds: counts what its steps took, runs the calls again whose
 * results are missing (their tools decide whether that is safe), then goes on as any turn does. A turn whose last answer had
 * come is only ended.
 */
export async function resumeTurn(
  turn: Turn,
  session: EngineSession,
  interrupted: InterruptedTurn,
  leading: () => Conversing,
): Promise<TurnResult> {
  turn.session = session
  session.interrupted = undefined
  const messages = interrupted.messages.filter(({ meta }) => meta?.kind !== 'summary')
  takeBack(turn, messages)
  const conversing = leading()
  const { maxResultLength, asking } = conversing
  const last = messages.findLast(({ role }) => role === 'assistant')
  const open = last ? unansweredIn(last, messages, asking.maxCallsPerStep) : []
  if (open.length > 0) await callTools(turn, open, { again: true, maxResultLength })
  turn.throwIfCancelled()
  const end = turn.messages.at(-1)
  if (end?.role === 'tool') return await goOnAfterTools(turn, conversing, last ? textOf(last) : '')
  if (end?.role !== 'assistant' || end.meta?.partial === true) return await converse(turn, conversing)
  turn.answered = { model: end.meta?.model ?? null, output: turn.wishes.schema && parsedJson(textOf(end)) }
  return await finishTurn(turn, textOf(end), end.meta?.finishReason ?? null)
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
  const said = messages.filter(({ role }) => role === 'user')
  turn.wishes = said.reduce((wishes, message) => ({ ...wishes, ...wishesIn(message) }), turn.wishes)
  turn.about = lastWords(messages)
}

function callsIn(message: ConversationMessage, maxCalls = Infinity): AcceptedCall[] {
  return acceptedCalls(message.tool_calls ?? [], message.meta?.finishReason ?? null, maxCalls)
}

function unansweredIn(
  message: ConversationMessage,
  history: readonly ConversationMessage[],
  maxCalls: number,
): AcceptedCall[] {
  const answered = new Set(history.map(({ tool_call_id }) => tool_call_id))
  return callsIn(message, maxCalls).filter(({ id }) => !answered.has(id))
}

/** The message holds what the model was told; whether that was JSON, nobody knows any more. */
function outcomeIn(message: ConversationMessage, call: AcceptedCall): ToolCallOutcome {
  const { id, name } = call
  const error = message.meta?.error ?? null
  const content = message.content ?? null
  const result = typeof content === 'string' ? parsedJson(content) : content
  return { id, name, arguments: call.arguments, result: error ? null : result, error }
}
