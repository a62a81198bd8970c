/** A JSON value in a text, and the piece of the text that it was read from. */
export interface Extracted {
  readonly json: string
  readonly value: unknown
}

/**
 * Finds the one JSON value of an answer: the whole text, else what the one code fence holds, else the one object or array
 * between words. Undefined where there is none, where there are several, or where any bracket in the words does not close or
 * does not hold JSON: then a part of a broken value could pass for the value itself.
 */
export function extractJson(text: string): Extracted | undefined {
  const whole = parse(text.trim())
  if (whole) return whole
  const fenced = fences(text)
  if (fenced.length > 1) return undefined
  const [inside] = fenced
  return inside === undefined ? amongWords(text) : parse(inside.trim())
}

function parse(json: string): Extracted | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return { json, value }
  } catch {
    return undefined
  }
}

/** What stands between lines that begin with a fence. No line inside a JSON value begins with one. */
function fences(text: string): string[] {
  const found: string[] = []
  let open: { mark: string; lines: string[] } | undefined
  for (const line of text.split(/\r?\n/)) {
    // Trimmed, because a pattern with spaces on both sides takes the square of their number.
    const trimmed = line.trim()
    const mark = /^(?:`{3,}|~{3,})/.exec(trimmed)?.[0]
    if (!open) {
      if (mark !== undefined && /^[\w-]*$/.test(trimmed.slice(mark.length).trim())) open = { mark, lines: [] }
      continue
    }
    if (mark !== undefined && mark.startsWith(open.mark)) {
      found.push(open.lines.join('\n'))
      open = undefined
    } else open.lines.push(line)
  }
  // One that does not close was cut, or its closing fence stands at the end of a line.
  return found
}

function amongWords(text: string): Extracted | undefined {
  const start = text.search(/[{[]/)
  if (start < 0) return undefined
  const end = endOfValue(text, start)
  const rest = text.slice(end)
  if (end === 0 || /[{}[\]]/.test(rest) || /[}\]]/.test(text.slice(0, start))) return undefined
  return parse(text.slice(start, end))
}

/** Where the brackets that open at `start` have closed again, strings left aside; 0 when they do not. */
function endOfValue(text: string, start: number): number {
  let depth = 0
  let inString = false
  for (let place = start; place < text.length; place++) {
    const char = text[place]
    if (inString) {
      if (char === '\\') place++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth === 0) return place + 1
  }
  return 0
}
