import { MESSAGE_TYPES } from '../messages/message-types.ts'
import { fieldAt, numberAt, textAt } from './field-at.ts'
import { invalidFilter, type Token } from './filter-tokens.ts'
import { compares, globFits, idFits, readDuration, readMoment, readNumber } from './filter-values.ts'
import type { LineView } from './line-view.ts'
import { isTurn } from './turn-table.ts'

/** Whether a line is meant. */
export type Test = (view: LineView) => boolean

/** Where a term stands, for what is wrong with it. */
interface Place {
  readonly filter: string
  readonly now: number
}

type Reader<T> = (view: LineView) => T | undefined

const TEXTS: Readonly<Record<string, Reader<string>>> = {
  type: ({ envelope }) => envelope.type,
  kind: ({ envelope }) => envelope.kind,
  status: ({ envelope }) => envelope.status,
  by: ({ envelope }) => envelope.by,
  code: (view) => (isFailure(view) ? textAt(view.record, 'error', 'code') : undefined),
  tool: ({ envelope, name }) => (envelope.type === MESSAGE_TYPES.callTool ? name : undefined),
  model: ({ envelope, name }) => (envelope.type === MESSAGE_TYPES.callModel ? name : undefined),
}

/** Fields that know a few values only. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  kind: ['header', 'command', 'result', 'event', 'note'],
  status: ['ok', 'error', 'cancelled', 'timeout'],
}

const IDS: Readonly<Record<string, (view: LineView) => readonly (string | undefined)[]>> = {
  id: ({ envelope }) => [envelope.id, envelope.of],
  session: ({ envelope }) => [envelope.session],
  turn: ({ envelope }) => [envelope.turn],
  cause: ({ envelope }) => [envelope.cause],
  root: ({ envelope }) => [envelope.root],
}

const NUMBERS: Readonly<Record<string, Reader<number>>> = {
  line: ({ line }) => line,
  seq: ({ envelope }) => envelope.seq,
  ms: ({ envelope }) => envelope.ms,
  attempt: ({ envelope }) => envelope.attempt,
  cost: (view) => (mayCost(view) ? numberAt(told(view), 'cost') : undefined),
  tokens: (view) => (mayCost(view) ? numberAt(told(view), 'usage', 'totalTokens') : undefined),
}

const NAMES = [
  ...Object.keys(TEXTS),
  ...Object.keys(IDS),
  ...Object.keys(NUMBERS),
  'since',
  'after',
  'before',
]

const PATH = /^(?:data|output|error)(?:\.|$)/

/** Whether a term asks for what only the command of a result tells. */
export function needsCalls({ kind, text }: Token): boolean {
  return kind === 'test' && (text === 'tool' || text === 'model')
}

/**
 * The test that a term `field OPERATOR value` stands for.
 *
 * @throws BuslineError `INVALID_FILTER` for a field that there is not, an operator that it has not, a value that it can't have
 */
export function testOf(token: Token, place: Place): Test {
  const { text: name, value, quoted } = token
  if (value === '' && !quoted) throw wrong(place, token, `${name}${token.operator} lacks its value`)
  if (PATH.test(name)) return pathTest(name.split('.'), token, place)
  if (Object.hasOwn(TEXTS, name)) return textTest(TEXTS[name], token, place)
  if (Object.hasOwn(IDS, name)) return idTest(IDS[name], token, place)
  if (Object.hasOwn(NUMBERS, name)) return numberTest(NUMBERS[name], token, place)
  if (name === 'since' || name === 'after' || name === 'before') return timeTest(token, place)
  const fields = `${NAMES.join(', ')}, and paths that begin with data, output or error`
  throw wrong(
    place,
    token,
    `there is no field ${name}. Fields are ${fields}. Put "…" around what is meant as text`,
  )
}

function textTest(read: Reader<string> | undefined, token: Token, place: Place): Test {
  only(token, place, [':', '=', '!='])
  const pattern = token.quoted ? [token.value] : token.value.split('*')
  const wanted = token.operator !== '!='
  const values = Object.hasOwn(VALUES, token.text) ? VALUES[token.text] : undefined
  if (values && !values.some((value) => globFits(pattern, value)))
    throw wrong(place, token, `no ${token.text} is ${token.value}; it is one of ${values.join(', ')}`)
  return (view) => {
    const value = read?.(view)
    return value !== undefined && globFits(pattern, value) === wanted
  }
}

function idTest(read: (typeof IDS)[string] | undefined, token: Token, place: Place): Test {
  only(token, place, [':', '=', '!='])
  const wanted = token.operator !== '!='
  return (view) => {
    const ids = (read?.(view) ?? []).filter((id) => id !== undefined)
    return ids.length > 0 && ids.some((id) => idFits(token.value, id)) === wanted
  }
}

function numberTest(read: Reader<number> | undefined, token: Token, place: Place): Test {
  only(token, place, [':', '=', '!=', '>', '>=', '<', '<='])
  const { text: name, value, operator } = token
  const to = name === 'ms' ? readDuration(value) : readNumber(value)
  const example = name === 'ms' ? 'ms>500, ms>=1.5s or ms<2m' : `${name}>10`
  if (to === undefined) throw wrong(place, token, `${name} is compared with a number, as in ${example}`)
  return (view) => {
    const is = read?.(view)
    return typeof is === 'number' && compares(is, operator, to)
  }
}

function timeTest(token: Token, place: Place): Test {
  only(token, place, [':', '='])
  const { text: name, value } = token
  const moment = name === 'since' ? ago(value, place.now) : readMoment(value)
  const example =
    name === 'since' ? 'since:10m, since:2h or since:7d' : `${name}:2026-11-21 or ${name}:2026-11-21T09:30`
  if (moment === undefined) throw wrong(place, token, `${name} is written as in ${example}`)
  return name === 'before'
    ? ({ envelope }) => envelope.time < moment
    : ({ envelope }) => envelope.time >= moment
}

function ago(value: string, now: number): number | undefined {
  const duration = readDuration(value)
  return duration === undefined ? undefined : now - duration
}

/** A value in the heavy field. Numbers are compared as such, everything else as text; what is not there is not compared. */
function pathTest(path: readonly string[], token: Token, place: Place): Test {
  const { operator, value } = token
  const number = readNumber(value)
  if (number === undefined && /^[<>]/.test(operator))
    throw wrong(place, token, `${operator} compares numbers, as in ${token.text}${operator}10`)
  return (view) => {
    const is = fieldAt(view.record, ...path)
    if (is === undefined) return false
    const text = typeof is === 'string' ? is : (JSON.stringify(is) ?? '')
    if (operator === '~') return text.includes(value)
    const same = text === value || (number !== undefined && is === number)
    if (operator === ':' || operator === '=') return same
    if (operator === '!=') return !same
    return typeof is === 'number' && number !== undefined && compares(is, operator, number)
  }
}

function isFailure({ envelope }: LineView): boolean {
  return envelope.kind === 'result' && envelope.status !== 'ok'
}

function mayCost({ envelope: { kind, type } }: LineView): boolean {
  return kind === 'result' && (type === MESSAGE_TYPES.callModel || isTurn(type))
}

function told({ record }: LineView): unknown {
  return record.error === undefined ? record.output : record.error.data
}

function only(token: Token, place: Place, operators: readonly Token['operator'][]): void {
  if (operators.includes(token.operator)) return
  throw wrong(place, token, `${token.text} knows no ${token.operator}, but ${operators.join(' ')}`)
}

function wrong({ filter }: Place, { at }: Token, why: string): Error {
  return invalidFilter(filter, at, why)
}
