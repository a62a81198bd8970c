import type { ConversationMessage } from '../messages/conversation.ts'
import { settle } from '../messages/settled.ts'

/** What stands for a result that is not in the history: of an edited or imported one, or of a process that was killed. */
export const MISSING_RESULT =
  'Outcome unknown: this call has no result in the history. It may or may not have taken effect.'

/**
 * The messages of an exchange as every server takes them: each tool call directly followed by exactly one result, in the order
 * of the calls, and no other tool message. A result that is missing is replaced by {@link MISSING_RESULT}, an orphan is left
 * out; of calls with one id in one message the first counts. A valid exchange is returned as it is.
 */
export function healExchange(messages: readonly ConversationMessage[]): readonly ConversationMessage[] {
  if (isValid(messages)) return messages
  const results = new Map<string, { place: number; message: ConversationMessage }[]>()
  for (const [place, message] of messages.entries()) {
    if (message.role !== 'tool') continue
    const id = message.tool_call_id ?? ''
    results.set(id, [...(results.get(id) ?? []), { place, message }])
  }
  return messages.flatMap((message, place) => {
    if (message.role === 'tool') return []
    if (callsOf(message).length === 0) return [message]
    const told = withDistinctCalls(message)
    const answers = callsOf(told).map((id) => {
      const waiting = results.get(id) ?? []
      const next = waiting.findIndex((result) => result.place > place)
      const [result] = next < 0 ? [] : waiting.splice(0, next + 1).slice(-1)
      return result?.message ?? missing(id, message)
    })
    return [told, ...answers]
  })
}

function isValid(messages: readonly ConversationMessage[]): boolean {
  let open: string[] = []
  for (const message of messages) {
    if (message.role === 'tool') {
      if (open.length === 0 || open.shift() !== message.tool_call_id) return false
      continue
    }
    if (open.length > 0) return false
    open = callsOf(message)
    if (new Set(open).size < open.length) return false
  }
  return open.length === 0
}

/** The ids of a message's calls. Only an assistant calls tools; what an import says of others no server looks at either. */
export function callsOf({ role, tool_calls = [] }: ConversationMessage): string[] {
  return role === 'assistant' ? tool_calls.map(({ id }) => id) : []
}

function withDistinctCalls(message: ConversationMessage): ConversationMessage {
  const ids = callsOf(message)
  const calls = message.tool_calls?.filter(({ id }, place) => ids.indexOf(id) === place) ?? []
  return calls.length === ids.length ? message : settle({ ...message, tool_calls: calls })
}

function missing(call: string, { turn }: ConversationMessage): ConversationMessage {
  return settle({
    role: 'tool',
    tool_call_id: call,
    content: MISSING_RESULT,
    ...(turn !== undefined && { turn }),
  })
}
