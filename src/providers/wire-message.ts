import type { ConversationMessage, ToolCallPart } from '../messages/conversation.ts'
import { isRecord, textIn } from './is-record.ts'
import type { Profile } from './profile.ts'
import { wireCallId } from './wire-call-id.ts'
import { wireName } from './wire-names.ts'

/**
 * A message as the profile's server takes it: without our `id`, `turn` and `meta`, and so that a history stays valid
 * whatever a model sent. Reasoning goes along only where `keepsReasoning` says so, under the names that the server knows.
 */
export function wireMessage(
  message: ConversationMessage,
  profile: Profile,
  keepsReasoning: boolean,
): Record<string, unknown> {
  const { id: _id, turn: _turn, meta: _meta, tool_calls: calls, ...rest } = message
  const wire: Record<string, unknown> = rest
  // Where it is no field of its own, what was said in it is still said.
  if (profile.refuses.includes(REFUSAL) && !hasContent(wire['content']) && textIn(wire['refusal']))
    wire['content'] = wire['refusal']
  for (const field of profile.refuses)
    if (field.startsWith(OF_MESSAGES)) delete wire[field.slice(OF_MESSAGES.length)]
  if (message.role === 'tool') return wireResult(message, wire, profile)
  if (message.role === 'developer' && !profile.developerRole) return { ...wire, role: 'system' }
  return message.role === 'assistant' ? wireAnswer(wire, calls ?? [], { profile, keepsReasoning }) : wire
}

const OF_MESSAGES = 'messages[].'
const REFUSAL = 'messages[].refusal'
const OF_CALLS = 'tool_calls[].'

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

function wireResult(
  message: ConversationMessage,
  wire: Record<string, unknown>,
  { callIdLength, names, toolParts }: Profile,
): Record<string, unknown> {
  const name = textIn(wire['name'])
  return {
    ...wire,
    ...(name !== undefined && { name: wireName(name, names) }),
    ...(message.tool_call_id !== undefined && {
      tool_call_id: wireCallId(message.tool_call_id, callIdLength),
    }),
    ...(Array.isArray(message.content) && !toolParts && { content: textOfParts(message.content) }),
  }
}

/** A model should know that there was more than it is shown. */
function textOfParts(parts: readonly { type: string; [field: string]: unknown }[]): string {
  return parts
    .map(
      (part) =>
        textIn(part['text']) ??
        (part.type === 'text' ? '' : `[${part.type}: this server takes only text here]`),
    )
    .join('')
}

function wireAnswer(
  message: Record<string, unknown>,
  calls: readonly ToolCallPart[],
  { profile, keepsReasoning }: { profile: Profile; keepsReasoning: boolean },
): Record<string, unknown> {
  const { reasoning, reasoning_content: content, reasoning_details: details, thinking, ...wire } = message
  if (calls.length > 0) wire['tool_calls'] = calls.map((call) => wireCall(call, profile))
  // OpenAI refuses null beside nothing else.
  else if (!hasContent(wire['content']) && !wire['refusal']) wire['content'] = ''
  if (!keepsReasoning) return wire

  const { fields, empty } = profile.reasoning
  if (fields.includes('reasoning') && reasoning !== undefined) wire['reasoning'] = reasoning
  if (fields.includes('reasoning_content') && content !== undefined) wire['reasoning_content'] = content
  if (fields.includes('reasoning_details') && details !== undefined) wire['reasoning_details'] = details
  if (empty !== undefined && calls.length > 0) wire[empty] ??= ''
  const thought = fields.includes('thinking') ? textIn(thinking) : undefined
  return thought === undefined ? wire : { ...wire, content: withThinking(thought, wire['content']) }
}

function hasContent(content: unknown): boolean {
  return Array.isArray(content) ? content.length > 0 : textIn(content) !== undefined
}

function wireCall(
  call: ToolCallPart,
  { names, callIdLength, refuses, extraContent }: Profile,
): Record<string, unknown> {
  const { name, arguments: text } = call.function
  const wire: Record<string, unknown> = {
    ...call,
    id: wireCallId(call.id, callIdLength),
    type: 'function',
    function: { name: wireName(name, names), arguments: isJsonObject(text) ? text : '{}' },
  }
  if (!extraContent) delete wire['extra_content']
  for (const field of refuses) if (field.startsWith(OF_CALLS)) delete wire[field.slice(OF_CALLS.length)]
  return wire
}

/** Mistral has its reasoning in the content, as parts. */
function withThinking(thinking: string, content: unknown): unknown[] {
  const text = textIn(content)
  const spoken: unknown[] = Array.isArray(content) ? content : text ? [{ type: 'text', text }] : []
  return [{ type: 'thinking', thinking: [{ type: 'text', text: thinking }] }, ...spoken]
}
