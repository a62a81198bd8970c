/** Where a text stops being JSON; `at` counts from 0. */
export interface JsonBreak {
  readonly at: number
  readonly expected: string
  readonly found: string
  /** The text around that place, the place marked with `⟨here⟩`. */
  readonly near: string
}

const SPACE = /[ \t\n\r]*/y
// oxlint-disable-next-line no-control-regex
const SPECIAL = /["\\\u0000-\u001f]/g
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /true|false|null/y
const AROUND = 24

/** A container that is not closed yet, and what may come next in it. */
type Open = '{' | '['

/**
 * Finds where a text stops being JSON and what would have had to come there, after the grammar of RFC 8259; undefined for a
 * text that is JSON. JSON.parse tells a place for some mistakes only, in words that differ between engines.
 */
export function jsonBreak(text: string): JsonBreak | undefined {
  const open: Open[] = []
  let at = 0

  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    if (!pattern.test(text)) return false
    at = pattern.lastIndex
    return true
  }
  const broken = (expected: string): JsonBreak => ({
    at,
    expected,
    found: foundAt(text, at),
    near: nearText(text, at),
  })
  const string = (): JsonBreak | undefined => {
    at++
    // From one special character to the next: one pattern for the whole text would overflow the stack on a long one.
    for (;;) {
      SPECIAL.lastIndex = at
      const found = SPECIAL.exec(text)
      at = found?.index ?? text.length
      if (!found) return broken('a closing "')
      if (found[0] === '"') break
      if (!skip(ESCAPE)) return broken('an escaped character')
    }
    at++
    return undefined
  }
  const key = (what: string): JsonBreak | undefined => {
    if (text[at] !== '"') return broken(what)
    const bad = string()
    if (bad) return bad
    skip(SPACE)
    if (text[at] !== ':') return broken('":"')
    at++
    skip(SPACE)
    return undefined
  }

  skip(SPACE)
  for (;;) {
    // A value begins here.
    const first = text[at]
    let ended = true
    if (first === '{' || first === '[') {
      at++
      skip(SPACE)
      if (text[at] === (first === '{' ? '}' : ']')) at++
      else {
        open.push(first)
        ended = false
        const bad = first === '{' ? key('a name in double quotes or "}"') : undefined
        if (bad) return bad
      }
    } else if (first === '"') {
      const bad = string()
      if (bad) return bad
    } else if (!skip(WORD) && !skip(NUMBER)) return broken('a value')

    // A value has ended: close what ends with it, and go on to the next one.
    while (ended) {
      skip(SPACE)
      const inside = open.at(-1)
      if (inside === undefined) return at < text.length ? broken('the end') : undefined
      const close = inside === '{' ? '}' : ']'
      if (text[at] === close) {
        at++
        open.pop()
        continue
      }
      if (text[at] !== ',') return broken(`"," or "${close}"`)
      at++
      skip(SPACE)
      const bad = inside === '{' ? key('a name in double quotes') : undefined
      if (bad) return bad
      ended = false
    }
  }
}

function foundAt(text: string, at: number): string {
  const character = text[at]
  return character === undefined ? 'the end of the text' : JSON.stringify(character)
}

function nearText(text: string, at: number): string {
  const before = text.slice(Math.max(0, at - AROUND), at)
  return `near ${JSON.stringify(`${before}⟨here⟩${text.slice(at, at + AROUND)}`)}`
}
