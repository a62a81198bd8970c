/** Controls, marks that reorder text on a screen, and separators of lines. */
const UNSAFE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** Names come from outside: on one line, with what could move the cursor or reorder text shown as `\u{1b}`, cut at `width`. */
export function plainLine(text: string, width: number): string {
  const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text
  const line = cut.replaceAll(UNSAFE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
  return line.length > width ? `${line.slice(0, width - 1)}…` : line
}
