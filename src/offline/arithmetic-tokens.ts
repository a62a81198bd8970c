import { HYPHENATED } from './number-words.ts'

/** A piece of a text as arithmetic sees it; `at` and `end` are its place in the text. */
export interface ArithmeticToken {
  readonly kind: 'number' | 'symbol' | 'word' | 'break' | 'opaque'
  /** Words in lower case, numbers without their commas, symbols in the notation of `calculate`. */
  readonly text: string
  readonly at: number
  readonly end: number
}

/** What is no arithmetic here: addresses, dates, times, versions, `10km`, `covid-19`, the factorial of `5! + 1`. */
const OPAQUE = [
  String.raw`https?:\/\/\S+`,
  String.raw`[^\s@]{1,64}@[^\s@]{1,255}`,
  String.raw`(?:19|20)\d\d(?<dash>[-\/.])(?:0?[1-9]|1[0-2])\k<dash>(?:0?[1-9]|[12]\d|3[01])(?!\d)`,
  String.raw`\d{1,2}(?<slash>[-\/.])\d{1,2}\k<slash>(?:19|20)\d\d(?!\d)`,
  String.raw`\d{1,2}:\d\d(?::\d\d)?`,
  String.raw`\d+(?:\.\d+){2,}`,
  String.raw`(?!\d{1,15}(?:\.\d{1,15})?x\d)[\d.,]{0,30}\d\p{L}[\p{L}\d]*`,
  String.raw`\p{L}[\p{L}\p{M}_]*[-\u2013]?\d[\w.]*`,
  String.raw`(?<=[\d)])!(?=\s?[-+*\/^])`,
].join('|')

const TOKEN = new RegExp(
  [
    String.raw`(?<cross>(?<=\d)x(?=\d))`,
    `(?<opaque>${OPAQUE})`,
    String.raw`(?<number>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)`,
    String.raw`(?<word>${HYPHENATED}|\p{L}[\p{L}\p{M}']*)`,
    String.raw`(?<symbol>\*\*|[-+*\/^%=()\u00d7\u00f7\u00b7\u2013\u2014\u221a\u00b2\u00b3])`,
    String.raw`(?<break>[.,;:?!\n])`,
    String.raw`(?<other>[^\s$\u20ac\u00a3])`,
  ].join('|'),
  'giu',
)

const NOTATION: Readonly<Record<string, string>> = {
  '**': '^',
  '\u00d7': '*',
  '\u00b7': '*',
  '\u00f7': '/',
  '\u2013': '-',
  '\u2014': '-',
}

/** Cuts a text into numbers, symbols, words, breaks and things that are none of them. */
export function arithmeticTokens(text: string): ArithmeticToken[] {
  return Array.from(text.matchAll(TOKEN), (match) => {
    const place = { at: match.index, end: match.index + match[0].length }
    const { cross, number, word, symbol, break: pause } = match.groups ?? {}
    if (cross) return { kind: 'symbol', text: 'x', ...place }
    if (number) return { kind: 'number', text: number.replaceAll(',', '').replace(/^\./, '0.'), ...place }
    if (word) return { kind: 'word', text: word.toLowerCase(), ...place }
    if (symbol) return { kind: 'symbol', text: NOTATION[symbol] ?? symbol, ...place }
    return { kind: pause ? 'break' : 'opaque', text: match[0], ...place }
  })
}
