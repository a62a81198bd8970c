import { MESSAGE_TYPES } from '../messages/message-types.ts'
import { callName } from './call-name.ts'
import { testOf, needsCalls, type Test } from './filter-terms.ts'
import { filterTokens, invalidFilter, type Token } from './filter-tokens.ts'
import { findText, folded, heavyFrom, inJson, type TextRange } from './find-text.ts'
import { LineView } from './line-view.ts'
import type { RunLine } from './run-line.ts'
import { besides, foundRecord } from './searched-text.ts'

/** What a search is for; one filter is for one run, whose lines it is given in order. */
export interface Filter {
  /**
   * Texts that every line that matches holds, as the file has them, but for lines with one of `besides`:
   * `scanJournal(source, { containing, besides })` passes over the others. Empty where the filter has to see all lines
   * (`tool:` and `model:` ask for what only the command of a result tells).
   */
  readonly containing: readonly string[]
  /** One of these stands in a line that may hold those texts without its bytes holding them. */
  readonly besides: readonly string[]
  matches(line: RunLine): boolean
  /** Where what is sought stands in a line as `searchedText` has it, in order and apart. */
  marks(text: string): TextRange[]
}

export interface FilterOptions {
  /** Whether capital letters and small ones are the same in words and phrases (default false). */
  ignoreCase?: boolean
  /** What `since:` counts from, epoch milliseconds (default: now). */
  now?: number
}

/** How deep parentheses and negations may nest. */
const DEEPEST = 100

/** The tests and the texts of a part of a filter. */
interface Part {
  readonly test: Test
  /** Texts that every line that it lets through holds. */
  readonly needs: readonly string[]
  /** Texts that may make it let a line through. */
  readonly seeks: readonly string[]
}

/**
 * Reads a filter: words and "phrases" (text anywhere in the heavy field), `type:tool.*`, `status:error`, `ms>=1s`, `-not this`,
 * `this OR that`, parentheses, `data.arguments.city=Paris`. `docs/reading-runs.md` has all of it. An empty filter matches
 * every line.
 *
 * @throws BuslineError `INVALID_FILTER`, whose `data.position` counts from 1
 */
export function parseFilter(
  filter: string,
  { ignoreCase = false, now = Date.now() }: FilterOptions = {},
): Filter {
  const tokens = filterTokens(filter)
  const { test, needs, seeks } = new Parser(filter, tokens, { ignoreCase, now }).all()
  const follows = tokens.some(needsCalls)
  const names = new Map<string, string>()

  return {
    containing: follows || ignoreCase ? [] : [...new Set(needs)],
    besides: besides(needs),
    matches: (line) => test(new LineView(line, follows ? nameFor(line, names) : undefined)),
    marks: (text) => marksIn(ignoreCase ? folded(text) : text, seeks),
  }
}

/** What a command calls, also at its result; forgotten with it. */
function nameFor(line: RunLine, names: Map<string, string>): string | undefined {
  const { kind, type, id, of = '' } = line.envelope
  if (kind === 'result') {
    const name = names.get(of)
    names.delete(of)
    return name
  }
  if (kind !== 'command' || !CALLS.has(type)) return undefined
  const name = callName(foundRecord(line))
  if (id !== undefined && name !== undefined) names.set(id, name)
  return name
}

const CALLS: ReadonlySet<string> = new Set([MESSAGE_TYPES.callTool, MESSAGE_TYPES.callModel])

/** Every place in the heavy field, without those that lie in one that began before. */
function marksIn(text: string, sought: readonly string[]): TextRange[] {
  const found: TextRange[] = []
  for (const escaped of sought) {
    let at = findText(text, escaped, heavyFrom(text))
    for (; at; at = findText(text, escaped, at.to)) found.push(at)
  }
  const marks: TextRange[] = []
  for (const range of found.toSorted((a, b) => a.from - b.from || b.to - a.to))
    if (range.from >= (marks.at(-1)?.to ?? 0)) marks.push(range)
  return marks
}

/** `any := all (OR all)*`, `all := one (AND? one)*`, `one := - one | ( any ) | term`. */
class Parser {
  #filter: string
  #tokens: readonly Token[]
  #options: Required<FilterOptions>
  #place = 0
  #depth = 0

  constructor(filter: string, tokens: readonly Token[], options: Required<FilterOptions>) {
    this.#filter = filter
    this.#tokens = tokens
    this.#options = options
  }

  all(): Part {
    if (this.#tokens.length === 0) return { test: () => true, needs: [], seeks: [] }
    const part = this.#any()
    const left = this.#tokens[this.#place]
    if (left) throw this.#wrong(left.at, 'this ) closes no (')
    return part
  }

  #any(): Part {
    const parts = [this.#every()]
    while (this.#takes('OR')) parts.push(this.#every())
    const [only] = parts
    if (only && parts.length === 1) return only
    return {
      test: (view) => parts.some(({ test }) => test(view)),
      needs: [],
      seeks: parts.flatMap(({ seeks }) => seeks),
    }
  }

  #every(): Part {
    const parts = [this.#one()]
    for (;;) {
      const explicit = this.#takes('AND')
      const next = this.#tokens[this.#place]?.kind
      if (!explicit && (next === undefined || next === ')' || next === 'OR')) break
      parts.push(this.#one())
    }
    return {
      test: (view) => parts.every(({ test }) => test(view)),
      needs: parts.flatMap(({ needs }) => needs),
      seeks: parts.flatMap(({ seeks }) => seeks),
    }
  }

  #one(): Part {
    const token = this.#tokens[this.#place++]
    if (!token) throw this.#wrong(this.#filter.length, 'something to look for is missing here')
    if (token.kind === 'test')
      return { test: testOf(token, { filter: this.#filter, ...this.#options }), needs: [], seeks: [] }
    if (token.kind === 'text') return this.#text(token)
    if (token.kind !== '(' && token.kind !== '-')
      throw this.#wrong(
        token.at,
        `there is nothing for ${token.kind} to join before it; put "…" around it if it is text`,
      )

    if (++this.#depth > DEEPEST) throw this.#wrong(token.at, `it nests deeper than ${DEEPEST}`)
    const part = token.kind === '(' ? this.#grouped(token) : negated(this.#one())
    this.#depth--
    return part
  }

  #grouped(open: Token): Part {
    const part = this.#any()
    if (!this.#takes(')')) throw this.#wrong(open.at, 'this ( is never closed')
    return part
  }

  #text({ text }: Token): Part {
    const { ignoreCase } = this.#options
    const escaped = ignoreCase ? folded(inJson(text)) : inJson(text)
    if (escaped === '') return { test: () => true, needs: [], seeks: [] }
    return {
      test: (view) => view.find(escaped, ignoreCase) !== undefined,
      needs: [escaped],
      seeks: [escaped],
    }
  }

  #takes(kind: Token['kind']): boolean {
    if (this.#tokens[this.#place]?.kind !== kind) return false
    this.#place++
    return true
  }

  #wrong(at: number, why: string): Error {
    return invalidFilter(this.#filter, at, why)
  }
}

function negated({ test }: Part): Part {
  return { test: (view) => !test(view), needs: [], seeks: [] }
}
