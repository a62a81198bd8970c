/** A place in a line: from its first character to before its last. */
export interface TextRange {
  readonly from: number
  readonly to: number
}

/** Where the fields after the envelope may begin. In a string every quote has a backslash before it, so these are fields. */
const HEAVY = [',"data":', ',"output":', ',"error":']

/** Where a line's heavy field begins; its end where it has none. */
export function heavyFrom(line: string): number {
  let from = line.length
  for (const name of HEAVY) {
    const at = line.indexOf(name)
    if (at !== -1 && at < from) from = at
  }
  return from
}

/** A text as it stands in a line of JSON. */
export function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/**
 * Where an escaped text (see {@link inJson}) first stands in a line, at or after a place. One that would begin inside of an
 * escape is none: the `n` of `\n` is no letter.
 */
export function findText(line: string, escaped: string, from: number): TextRange | undefined {
  for (let at = line.indexOf(escaped, from); at !== -1; at = line.indexOf(escaped, at + 1)) {
    if (!isInEscape(line, at)) return { from: at, to: at + escaped.length }
  }
  return undefined
}

function isInEscape(line: string, at: number): boolean {
  let backslashes = 0
  while (line[at - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}
