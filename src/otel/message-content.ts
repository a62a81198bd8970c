import { toUSVString } from 'node:util'
import { fieldOf, listIn, textIn } from './read-field.ts'

/** Characters of one text, and of all texts of one attribute: more would be refused by servers, or cut to what is no JSON. */
const LONGEST_TEXT = 10_000
const LONGEST_ATTRIBUTE = 100_000

/** A message as the conventions' JSON schemas want it (gen-ai-input-messages.json, gen-ai-output-messages.json). */
export interface SpokenMessage {
  role: string
  parts: Record<string, unknown>[]
  finish_reason?: string
}

/** A message of a conversation in parts; undefined for what is none. Parts that the schemas don't know keep their type only. */
export function spokenMessage(message: unknown): SpokenMessage | undefined {
  const role = textIn(message, 'role')
  if (role === undefined) return undefined
  const answered = textIn(message, 'tool_call_id')
  const said = partsOf(fieldOf(message, 'content'))
  const thought = textIn(message, 'reasoning') ?? textIn(message, 'reasoning_content') ?? ''
  const parts =
    role === 'tool' && answered !== undefined
      ? [{ type: 'tool_call_response', id: answered, response: said.map(({ content }) => content).join('') }]
      : said
  const thoughts = thought === '' ? [] : [{ ...textPart(thought), type: 'reasoning' }]
  return { role, parts: [...thoughts, ...parts, ...listIn(message, 'tool_calls').map(toolCall)] }
}

export function textPart(text: string): { type: 'text'; content: string } {
  return { type: 'text', content: cut(text) }
}

/** Messages as one attribute: JSON, of the last ones as many as there is room for. */
export function messagesAttribute(messages: readonly SpokenMessage[]): string | undefined {
  const kept: string[] = []
  let room = LONGEST_ATTRIBUTE
  for (const message of messages.toReversed()) {
    const json = jsonOf(message)
    room -= json.length
    if (room < 0 && kept.length > 0) break
    kept.unshift(json)
  }
  return kept.length > 0 ? `[${kept.join(',')}]` : undefined
}

/** Any value as an attribute: text as it is, all else as JSON. */
export function valueAttribute(value: unknown): string | undefined {
  return value === undefined ? undefined : cut(typeof value === 'string' ? value : jsonOf(value))
}

function partsOf(content: unknown): { type: string; content?: string }[] {
  if (typeof content === 'string') return content === '' ? [] : [textPart(content)]
  if (!Array.isArray(content)) return []
  return content.map((part) => {
    const text = textIn(part, 'text')
    return text === undefined ? { type: textIn(part, 'type') ?? 'unknown' } : textPart(text)
  })
}

function toolCall(call: unknown): Record<string, unknown> {
  const called = fieldOf(call, 'function')
  const given = textIn(called, 'arguments')
  return {
    type: 'tool_call',
    id: textIn(call, 'id') ?? null,
    name: textIn(called, 'name') ?? '',
    arguments: given === undefined ? null : parsed(given),
  }
}

/** Arguments as the model meant them; as text where they are no JSON, or long. */
function parsed(text: string): unknown {
  if (text.length > LONGEST_TEXT) return cut(text)
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A text of at most 10 000 characters; what is longer ends in `…`. */
export function cut(text: string): string {
  return text.length > LONGEST_TEXT ? `${toUSVString(text.slice(0, LONGEST_TEXT))}…` : text
}

/** What is nested deeper than can be written, which a damaged file or a model may bring, is a text that says so. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof RangeError) return '"[nested too deep to be written]"'
    throw error
  }
}
