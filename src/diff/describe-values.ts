import { wordDiff, type TextPart } from './word-diff.ts'

/** How two values are shown. */
export interface Wording {
  /** What the two are called: `recorded`, `replayed`. */
  readonly names: readonly [a: string, b: string]
  /** Makes text from outside safe to show (default: as it is). */
  readonly clean?: ((text: string) => string) | undefined
  /** Colours what is in one of them only (default: no colours). */
  readonly paint?: ((state: 'removed' | 'added', text: string) => string) | undefined
}

/** From this length on, of two texts the words that differ are shown too. */
const LONG = 60
/** How much of a stretch that both have is shown around what differs, and how much of a value at all, in characters. */
const CONTEXT = 80
const MOST = 4000

/**
 * Two values below each other, and of two long texts the words that differ, as `git diff --word-diff` marks them. Ends without a
 * newline.
 */
export function describeValues(a: unknown, b: unknown, wording: Wording): string {
  const { names, clean = (text) => text, paint = (_state, text) => text } = wording
  const width = Math.max(...names.map(({ length }) => length), 'words'.length) + 2
  const row = (name: string, text: string): string =>
    `${name.padEnd(width)}${text.replaceAll('\n', `\n${' '.repeat(width)}`)}`
  const isLong = typeof a === 'string' && typeof b === 'string' && Math.min(a.length, b.length) >= LONG
  return [
    row(names[0], paint('removed', clean(cut(textOf(a))))),
    row(names[1], paint('added', clean(cut(textOf(b))))),
    ...(isLong ? [row('words', wordsOf(a, b, clean, paint))] : []),
  ].join('\n')
}

function wordsOf(
  a: string,
  b: string,
  clean: (text: string) => string,
  paint: (state: 'removed' | 'added', text: string) => string,
): string {
  const parts = wordDiff(a, b)
  const texts = parts.map(({ state, text }, place) => {
    if (state === 'removed') return paint(state, `[-${clean(cut(text))}-]`)
    if (state === 'added') return paint(state, `{+${clean(cut(text))}+}`)
    return clean(around(text, parts[place - 1], parts[place + 1]))
  })
  return texts.slice(0, 200).join('') + (texts.length > 200 ? ' …' : '')
}

/** The ends of what both have, as far as they are beside what differs. */
function around(text: string, before: TextPart | undefined, after: TextPart | undefined): string {
  const head = before ? CONTEXT : 0
  const tail = after ? CONTEXT : 0
  if (text.length <= head + tail + 1) return text
  return `${text.slice(0, head)}…${tail === 0 ? '' : text.slice(-tail)}`
}

function textOf(value: unknown): string {
  if (value === undefined) return '(none)'
  try {
    return JSON.stringify(value, null, 2)
  } catch {
    // Nested deeper than the stack.
    return '(nested too deep to be shown)'
  }
}

function cut(text: string): string {
  return text.length <= MOST ? text : `${text.slice(0, MOST)}… (${text.length - MOST} more characters)`
}
