import type { ToolCallOutcome } from '../messages/chat.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import { ListTools, READ_TOOL_RESULT } from '../messages/tool.ts'
import type { Turn } from './turn.ts'

type Content = NonNullable<ConversationMessage['content']>

/**
 * What the model reads of the ends of its calls. A result longer than `maxLength` characters is cut; the rest is read on with
 * `read_tool_result`, where that is on offer.
 */
export async function toolMessages(
  turn: Turn,
  outcomes: readonly ToolCallOutcome[],
  maxLength: number,
): Promise<ConversationMessage[]> {
  const contents = outcomes.map(contentOf)
  // What reads on is bounded by itself, and its own end is kept by nobody.
  const limits = outcomes.map(({ name }) => (name === READ_TOOL_RESULT ? Infinity : maxLength))
  const isCut = contents.some((content, place) => lengthOf(content) > (limits[place] ?? maxLength))
  const canReadOn =
    isCut && (await turn.scope.execute(ListTools, {})).some(({ name }) => name === READ_TOOL_RESULT)
  return outcomes.map(({ id, error }, place) => ({
    role: 'tool',
    tool_call_id: id,
    content: cut(contents[place] ?? '', limits[place] ?? maxLength, canReadOn ? id : undefined),
    ...(error && { meta: { error } }),
  }))
}

/** A string as it is, content parts as such, anything else as JSON. */
function contentOf({ result, error }: ToolCallOutcome): Content {
  if (error) return `Error (${error.code}): ${error.message}`
  if (typeof result === 'string') return result
  return isParts(result) ? result : JSON.stringify(result)
}

/** Images and files count for nothing here: half of one is of no use. */
function lengthOf(content: Content): number {
  return typeof content === 'string'
    ? content.length
    : Math.max(0, ...content.map((part) => textIn(part).length))
}

function cut(content: Content, maxLength: number, handle: string | undefined): Content {
  if (lengthOf(content) <= maxLength) return content
  if (typeof content === 'string') return cutText(content, maxLength, handle)
  return content.map((part) =>
    textIn(part).length > maxLength ? { ...part, text: cutText(textIn(part), maxLength, handle) } : part,
  )
}

function cutText(text: string, maxLength: number, handle: string | undefined): string {
  // Not in the middle of a character that takes two places.
  const end = /[\ud800-\udbff]$/.test(text.slice(0, maxLength)) ? maxLength - 1 : maxLength
  const how =
    handle === undefined
      ? 'The rest is not shown; ask for less.'
      : `Read on with ${READ_TOOL_RESULT}(${JSON.stringify({ handle, offset: end })}), or search it with "find".`
  return `${text.slice(0, end)}\n[Cut: characters 0 to ${end} of ${text.length}. ${how}]`
}

function textIn(part: { type: string; [key: string]: unknown }): string {
  return part.type === 'text' && typeof part['text'] === 'string' ? part['text'] : ''
}

function isParts(result: unknown): result is { type: string }[] {
  return Array.isArray(result) && result.length > 0 && result.every(isPart)
}

const PART_FIELDS: Record<string, string> = {
  text: 'text',
  image_url: 'image_url',
  input_audio: 'input_audio',
  file: 'file',
}

/** A content part of the chat protocol: its type names the field that holds it. */
function isPart(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string')
    return false
  const field = PART_FIELDS[value.type]
  return field !== undefined && field in value
}
