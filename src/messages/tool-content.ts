/** A content part of the chat protocol, as a tool may return it. */
export interface ResultPart {
  type: string
  [field: string]: unknown
}

/**
 * What a model sees of a tool's result: a string as it is, an array of content parts as such, anything else as its JSON.
 * The one place that says so: whoever cuts a result and whoever keeps it whole must mean the same text.
 */
export function contentOfResult(result: unknown): string | ResultPart[] {
  if (typeof result === 'string') return result
  if (isParts(result)) return result
  return JSON.stringify(result) ?? 'null'
}

/** The texts that a model sees of a tool's result, in order; images and files are none. */
export function shownTexts(result: unknown): string[] {
  const content = contentOfResult(result)
  return typeof content === 'string' ? [content] : content.flatMap((part) => textOfPart(part) ?? [])
}

/** The text of a content part; undefined of one that holds something else. */
export function textOfPart(part: ResultPart): string | undefined {
  return part.type === 'text' && typeof part['text'] === 'string' ? part['text'] : undefined
}

/**
 * By which handle `read_tool_result` reads on in one of a result's texts: the call's id for the first of
 * {@link shownTexts} (`place` 0), `<id>#2` for the second (`place` 1), and so on.
 */
export function partHandle(call: string, place: number): string {
  return place === 0 ? call : `${call}#${place + 1}`
}

function isParts(result: unknown): result is ResultPart[] {
  return Array.isArray(result) && result.length > 0 && result.every(isPart)
}

const PART_FIELDS: Readonly<Record<string, string>> = {
  image_url: 'image_url',
  input_audio: 'input_audio',
  file: 'file',
}

/** Its type names the field that holds it. */
function isPart(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string')
    return false
  if (value.type === 'text') return 'text' in value && typeof value.text === 'string'
  const field = Object.hasOwn(PART_FIELDS, value.type) ? PART_FIELDS[value.type] : undefined
  return field !== undefined && field in value
}
