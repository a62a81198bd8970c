/** A place in a line: from its first character to before its last. */
export interface TextRange {
  readonly from: number
  readonly to: number
}

/** Where the fields after the envelope may begin. In a string every quote has a backslash before it, so these are fields. */
const HEAVY = [',"data":', ',"output":', ',"error":']

/** Where the value of a line's heavy field begins, after its name; the end of a line that has none. */
export function heavyFrom(line: string): number {
  let first = line.length
  let from = line.length
  for (const name of HEAVY) {
    const at = line.indexOf(name)
    if (at === -1 || at >= first) continue
    first = at
    from = at + name.length
  }
  return from
}

/** A text in which capital letters and small ones are the same; each character stays where it is (İ alone would become two). */
export function folded(text: string): string {
  return text.replaceAll('İ', 'i').toLowerCase()
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
