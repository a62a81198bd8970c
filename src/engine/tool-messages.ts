import type { ToolCallOutcome } from '../messages/chat.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import { contentOfResult, partHandle, textOfPart, type ResultPart } from '../messages/tool-content.ts'
import { ListTools, READ_TOOL_RESULT } from '../messages/tool.ts'
import type { Turn } from './turn.ts'

/**
 * What the model reads of the ends of its calls. A text longer than `maxLength` characters is cut; the rest is read on with
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
  const isCut = contents.some((content, place) => longest(content) > (limits[place] ?? maxLength))
  const canReadOn =
    isCut && (await turn.scope.execute(ListTools, {})).some(({ name }) => name === READ_TOOL_RESULT)
  return outcomes.map(({ id, error }, place) => ({
    role: 'tool',
    tool_call_id: id,
    content: cut(contents[place] ?? '', limits[place] ?? maxLength, canReadOn ? id : undefined),
    ...(error && { meta: { error } }),
  }))
}

function contentOf({ result, error }: ToolCallOutcome): string | ResultPart[] {
  return error ? `Error (${error.code}): ${error.message}` : contentOfResult(result)
}

/** Images and files count for nothing here: half of one is of no use. */
function longest(content: string | ResultPart[]): number {
  if (typeof content === 'string') return content.length
  return Math.max(0, ...content.map((part) => textOfPart(part)?.length ?? 0))
}

function cut(
  content: string | ResultPart[],
  maxLength: number,
  call: string | undefined,
): string | ResultPart[] {
  if (longest(content) <= maxLength) return content
  const handle = (place: number): string | undefined => call && partHandle(call, place)
  if (typeof content === 'string') return cutText(content, maxLength, handle(0))
  let texts = 0
  return content.map((part) => {
    const text = textOfPart(part)
    if (text === undefined) return part
    const place = texts++
    return text.length > maxLength ? { ...part, text: cutText(text, maxLength, handle(place)) } : part
  })
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
