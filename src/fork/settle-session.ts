import { textOf, type ConversationMessage } from '../messages/conversation.ts'
import type { ModelAnswer } from '../messages/model.ts'
import type { Session } from '../messages/session.ts'
import { contentOfResult } from '../messages/tool-content.ts'
import { RESULT_LENGTH } from '../messages/tool.ts'
import type { ToolEnd, TurnProgress } from './open-work.ts'

/** What stands for a result that the fork's lines do not hold. */
export const NO_RESULT =
  'Outcome unknown: the run was forked before this call had ended. It may or may not have taken effect.'

/**
 * The messages that a session lacks at the fork's line: the model's answer and the ends of tool calls that the lines hold
 * and no append did yet, in the order of the calls. With `close`, calls without an end get {@link NO_RESULT}, and the text
 * of an answer that was arriving stays as a partial message.
 */
export function missingMessages(
  session: Session,
  progress: TurnProgress | undefined,
  close: boolean,
): ConversationMessage[] {
  const { openTurn, messages } = session
  const missing: ConversationMessage[] = []
  const answer =
    progress?.answer && openTurn === progress.turn ? answered(progress.answer, messages) : undefined
  if (answer) missing.push(answer)
  for (const id of unanswered([...messages, ...missing])) {
    const end = progress?.tools.get(id)
    if (end) missing.push(toolMessage(id, end))
    else if (close) missing.push({ role: 'tool', tool_call_id: id, content: NO_RESULT })
  }
  const heard = progress && openTurn === progress.turn ? progress.heard : ''
  if (close && !answer && heard !== '')
    missing.push({ role: 'assistant', content: heard, meta: { partial: true } })
  if (openTurn === undefined) return missing

  const from = messages.filter(({ turn, meta }) => turn === openTurn && meta?.kind !== 'summary').length
  return missing.map((message, place) => ({ ...message, id: `${openTurn}/${from + place}`, turn: openTurn }))
}

/** Calls since the last user message that have no result; what is older is mended by whoever reads the history. */
function unanswered(messages: readonly ConversationMessage[]): string[] {
  const since = messages.slice(messages.findLastIndex(({ role }) => role === 'user') + 1)
  const results = new Set(since.map(({ tool_call_id }) => tool_call_id))
  return since
    .flatMap(({ role, tool_calls = [] }) => (role === 'assistant' ? tool_calls.map(({ id }) => id) : []))
    .filter((id) => !results.has(id))
}

/** An answer as the engine appends it; undefined of one that it would have asked again for, or renamed the calls of. */
function answered(
  { message, model, finishReason, usage, cost }: ModelAnswer,
  history: readonly ConversationMessage[],
): ConversationMessage | undefined {
  const ids = message.tool_calls?.map(({ id }) => id) ?? []
  const taken = new Set(history.flatMap(({ tool_calls = [] }) => tool_calls.map(({ id }) => id)))
  const areFit = new Set(ids).size === ids.length && ids.every((id) => id !== '' && !taken.has(id))
  if (!areFit || (ids.length === 0 && textOf(message) === '')) return undefined
  return {
    ...message,
    meta: {
      ...(model !== null && { model }),
      ...(finishReason !== null && { finishReason }),
      ...(usage && { usage: { ...usage, calls: 1 } }),
      ...(cost !== undefined && { cost }),
    },
  }
}

function toolMessage(id: string, end: ToolEnd): ConversationMessage {
  if ('output' in end)
    return { role: 'tool', tool_call_id: id, content: shortened(contentOfResult(end.output)) }
  const { code, message } = end.error
  const content = shortened(`Error (${code}): ${message}`)
  return { role: 'tool', tool_call_id: id, content, meta: { error: { code, message } } }
}

/** A text as long as a model is shown of a result; parts stay as they are. */
function shortened<T>(content: T): T | string {
  if (typeof content !== 'string' || content.length <= RESULT_LENGTH) return content
  return `${content.slice(0, RESULT_LENGTH)}\n[Cut: characters 0 to ${RESULT_LENGTH} of ${content.length}. The rest is not shown; ask for less.]`
}
