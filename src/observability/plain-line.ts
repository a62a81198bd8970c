import { cutToWidth } from './text-width.ts'

/** Controls, marks that reorder text on a screen, and separators of lines. */
const UNSAFE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** Code units that are looked at for each column: a character with its accents has several. */
const MOST_PER_COLUMN = 8

/** Names come from outside: on one line, with what could move the cursor or reorder text shown as `\u{1b}`, cut at `width` columns. */
export function plainLine(text: string, width: number): string {
  const most = MOST_PER_COLUMN * width
  const begun = text.length > most ? `${text.slice(0, most)}…` : text
  const line = begun.replaceAll(UNSAFE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
  return cutToWidth(line, width)
}
