/**
 * What terminals draw two columns wide: East Asian Wide and Fullwidth of Unicode 16 (UAX #11, EastAsianWidth.txt) in whole
 * blocks, and what is drawn as an emoji unasked.
 */
const WIDE =
  /^(?:[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Regional_Indicator}{2})/u

/** Combining marks, joiners and the like that have nothing to stand on. */
const NOTHING = /^[\p{Mn}\p{Me}\p{Cf}]+$/u

const PLAIN = /^[ -~]*$/

let segmenter: Intl.Segmenter | undefined

/** What readers take for one character each. Made when it is first needed: that takes some ten milliseconds. */
function graphemes(text: string): Iterable<Intl.SegmentData> {
  segmenter ??= new Intl.Segmenter()
  return segmenter.segment(text)
}

/** How many columns of a terminal a line takes; it holds no escapes. */
export function textWidth(text: string): number {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes(text)) width += graphemeWidth(segment)
  return width
}

/** Fills a line up to a width, as `padEnd` does by its length. */
export function fillEnd(text: string, width: number): string {
  return text + blanks(text, width)
}

/** The same with the blanks before it. */
export function fillStart(text: string, width: number): string {
  return blanks(text, width) + text
}

/** A line cut to a width, with `…` where something is missing; what a reader takes for one character stays whole. */
export function cutToWidth(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let room = width - 1
  let end = 0
  for (const { segment, index } of graphemes(text)) {
    room -= graphemeWidth(segment)
    if (room < 0) break
    end = index + segment.length
  }
  return `${text.slice(0, end)}…`
}

function blanks(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - textWidth(text)))
}

function graphemeWidth(grapheme: string): number {
  if (WIDE.test(grapheme)) return 2
  return NOTHING.test(grapheme) ? 0 : 1
}
