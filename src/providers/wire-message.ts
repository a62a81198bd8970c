import type { ConversationMessage, ToolCallPart } from '../messages/conversation.ts'
import { isRecord, textIn } from './is-record.ts'

/**
 * A message as servers take it: without our `id` and `turn`, and so that a history stays valid whatever a model
 * sent. Reasoning goes along only where `keepsReasoning` says so, under the name that it came under.
 *
 * @param offered the names of the tools on offer, which pass as they are
 */
export function wireMessage(
  message: ConversationMessage,
  keepsReasoning: boolean,
  offered: ReadonlySet<string>,
): Record<string, unknown> {
  const { id: _id, turn: _turn, tool_calls: calls, ...rest } = message
  if (message.role !== 'assistant') return rest

  const { reasoning, reasoning_content: content, reasoning_details: details, thinking, ...spoken } = rest
  const wire: Record<string, unknown> = spoken
  if (calls && calls.length > 0) wire['tool_calls'] = calls.map((call) => wireCall(call, offered))
  // OpenAI refuses null beside nothing else.
  else if (!spoken.content && !spoken['refusal']) wire['content'] = ''
  if (!keepsReasoning) return wire

  if (reasoning !== undefined) wire['reasoning'] = reasoning
  if (content !== undefined) wire['reasoning_content'] = content
  if (details !== undefined) wire['reasoning_details'] = details
  const thought = textIn(thinking)
  return thought === undefined ? wire : { ...wire, content: withThinking(thought, spoken.content) }
}

/** Whether arguments are a JSON object, which servers demand of every call in a history. */
export function isJsonObject(text: string): boolean {
  if (!text.trimStart().startsWith('{')) return false
  try {
    return isRecord(JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

function wireCall(call: ToolCallPart, offered: ReadonlySet<string>): Record<string, unknown> {
  const { name, arguments: text } = call.function
  return {
    ...call,
    type: 'function',
    function: {
      name: offered.has(name) ? name : name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || 'unknown',
      arguments: isJsonObject(text) ? text : '{}',
    },
  }
}

/** Mistral has its reasoning in the content, as parts. */
function withThinking(thinking: string, content: ConversationMessage['content']): unknown[] {
  const spoken = Array.isArray(content) ? content : content ? [{ type: 'text', text: content }] : []
  return [{ type: 'thinking', thinking: [{ type: 'text', text: thinking }] }, ...spoken]
}
