// Control characters, the C1 block, line and paragraph separators, and what turns the direction of text around.
// oxlint-disable-next-line no-control-regex
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/**
 * Text from outside as one line that is safe to show: white space collapsed, control characters spelled out, cut
 * at `limit` characters.
 */
export function oneLine(text: string, limit: number): string {
  // Cut first, so that a body of megabytes costs no more than its beginning.
  const beginning = text.slice(0, limit * 4).replace(/\s+/g, ' ')
  const line = beginning
    .trim()
    .replace(HIDDEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return line.length > limit || text.length > limit * 4 ? `${line.slice(0, limit)}…` : line
}
