import { BuslineError } from '../messages/busline-error.ts'

/** A piece of a filter, and where it begins (from 0). */
export interface Token {
  readonly kind: '(' | ')' | '-' | 'AND' | 'OR' | 'test' | 'text'
  readonly at: number
  /** Of a text what is sought; of a test its field. */
  readonly text: string
  /** Of a test. */
  readonly operator: Operator
  readonly value: string
  /** Whether the value was quoted: then it is meant as it is. */
  readonly quoted: boolean
}

const OPERATORS = ['!=', '>=', '<=', ':', '=', '>', '<', '~'] as const
export type Operator = (typeof OPERATORS)[number]

/** A field's name, or a path into the heavy field, before an operator. */
const TEST = /([A-Za-z]\w*(?:\.[\w$-]+)*)(!=|>=|<=|:|=|>|<|~)/y
const SPACE = /\s/

/** @throws BuslineError `INVALID_FILTER` */
export function filterTokens(filter: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < filter.length) {
    const character = filter[at] ?? ''
    if (SPACE.test(character)) {
      at++
      continue
    }
    if (character === '(' || character === ')' || (character === '-' && beginsTerm(filter, at + 1))) {
      tokens.push(token(character, at))
      at++
      continue
    }
    const read = readTest(filter, at) ?? readText(filter, at)
    tokens.push(read.token)
    at = read.end
  }
  return tokens
}

/** A minus before nothing is a text. */
function beginsTerm(filter: string, at: number): boolean {
  const next = filter[at]
  return next !== undefined && !SPACE.test(next) && next !== ')'
}

function readTest(filter: string, at: number): { token: Token; end: number } | undefined {
  TEST.lastIndex = at
  const [all = '', name = '', sign = ''] = TEST.exec(filter) ?? []
  const operator = OPERATORS.find((one) => one === sign)
  if (!operator) return undefined
  const { value, quoted, end } = readValue(filter, at + all.length)
  return { token: { ...token('test', at), text: name, operator, value, quoted }, end }
}

function readText(filter: string, at: number): { token: Token; end: number } {
  const { value, quoted, end } = readValue(filter, at)
  if (!quoted && (value === 'OR' || value === 'AND')) return { token: token(value, at), end }
  return { token: { ...token('text', at), text: value, quoted }, end }
}

/** A quoted text, in which `\"` and `\\` stand for what follows the backslash, or all up to a space or parenthesis. */
function readValue(filter: string, at: number): { value: string; quoted: boolean; end: number } {
  if (filter[at] !== '"') {
    let end = at
    while (end < filter.length && !/[\s()]/.test(filter[end] ?? '')) end++
    return { value: filter.slice(at, end), quoted: false, end }
  }
  let value = ''
  for (let end = at + 1; end < filter.length; end++) {
    const character = filter[end] ?? ''
    if (character === '"') return { value, quoted: true, end: end + 1 }
    if (character === '\\' && /["\\]/.test(filter[end + 1] ?? '')) value += filter[++end] ?? ''
    else value += character
  }
  throw invalidFilter(
    filter,
    at,
    'the quotation that begins here has no end; add a " or write \\" for one that is meant',
  )
}

function token(kind: Token['kind'], at: number): Token {
  return { kind, at, text: '', operator: ':', value: '', quoted: false }
}

/** The error for a filter, naming the place (counted from 1) and what to do. */
export function invalidFilter(filter: string, at: number, why: string): BuslineError {
  return new BuslineError('INVALID_FILTER', `The filter is wrong at character ${at + 1}: ${why}.`, {
    data: { filter, position: at + 1 },
  })
}
