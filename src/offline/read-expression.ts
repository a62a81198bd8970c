import {
  FACTORS,
  operatorAt,
  phraseAt,
  POSTFIXES,
  ROOTS,
  VERBS,
  type Operator,
} from './arithmetic-phrases.ts'
import type { ArithmeticToken } from './arithmetic-tokens.ts'
import { grouped, isTight, join, powered, type Expression } from './expression.ts'
import { readNumberWords, scaleOf } from './number-words.ts'

/** Parentheses deeper than this are not read: it bounds the stack and the time a hostile text costs. */
const DEPTH = 16

/** Reads the longest expression that begins at a token; one operand alone counts, with no operators. */
export function readExpression(
  tokens: readonly ArithmeticToken[],
  from: number,
  depth = 0,
): Expression | undefined {
  if (depth > DEPTH) return undefined
  const verb = readVerb(tokens, from, depth)
  let left = verb ?? readOperand(tokens, from, depth)
  if (left && left === verb && operatorAt(tokens, left.next)) left = { ...left, text: grouped(left.text) }

  while (left) {
    const operator = operatorAt(tokens, left.next)
    const right = operator && readOperand(tokens, left.next + operator.length, depth, true)
    if (!operator || !right) break
    left = join(left, operator, right, isTight(tokens, left.next, operator, right))
  }
  return left && readFraction(tokens, left, depth)
}

/** `3/4 of 80`. */
function readFraction(tokens: readonly ArithmeticToken[], left: Expression, depth: number): Expression {
  if (phraseAt(tokens, left.next, 'of') === 0 || !/^\d+ ?\/ ?\d+$/.test(left.text)) return left
  const whole = readOperand(tokens, left.next + 1, depth + 1, true)
  return whole ? join(left, { text: '*', length: 1, certain: true }, whole, false) : left
}

function readVerb(tokens: readonly ArithmeticToken[], at: number, depth: number): Expression | undefined {
  if (tokens[at]?.kind !== 'word') return undefined
  const from = tokens[at]?.text === 'the' ? at + 1 : at
  const verb = VERBS.find(({ phrase }) => phraseAt(tokens, from, phrase) > 0)
  if (!verb) return undefined
  let left = readOperand(tokens, from + phraseAt(tokens, from, verb.phrase), depth + 1)

  while (left) {
    const comma = tokens[left.next]?.text === ',' ? 1 : 0
    const word = verb.joiners.includes(tokens[left.next + comma]?.text ?? '') ? 1 : 0
    const right =
      comma + word > 0 ? readOperand(tokens, left.next + comma + word, depth + 1, !verb.swapped) : undefined
    if (!right) break
    const operator: Operator = { text: verb.text, length: 1, certain: true }
    left = verb.swapped
      ? { ...join(right, operator, left, false), next: right.next }
      : join(left, operator, right, false)
  }
  return left && left.operators > 0 ? left : undefined
}

function readOperand(
  tokens: readonly ArithmeticToken[],
  at: number,
  depth: number,
  joined = false,
): Expression | undefined {
  const sign = tokens[at]?.text ?? ''
  if (depth > DEPTH) return undefined
  if (['-', '+', 'minus', 'negative'].includes(sign)) {
    const operand = readOperand(tokens, at + 1, depth + 1, true)
    return operand && { ...operand, text: (sign === '+' ? '' : '-') + operand.text, signed: true }
  }
  const operand = readPrefixed(tokens, at, depth, joined) ?? readPrimary(tokens, at, depth)
  return operand && readPostfixes(tokens, operand, depth, joined)
}

function readPrefixed(
  tokens: readonly ArithmeticToken[],
  at: number,
  depth: number,
  joined: boolean,
): Expression | undefined {
  if (tokens[at]?.kind !== 'word' && tokens[at]?.text !== '\u221a') return undefined
  const start = tokens[at]?.text === 'the' ? at + 1 : at
  const root = ROOTS.find((phrase) => phraseAt(tokens, start, phrase) > 0)
  if (root !== undefined) {
    const inner = readOperand(tokens, start + phraseAt(tokens, start, root), depth + 1)
    if (!inner) return undefined
    return {
      ...inner,
      text: `sqrt${grouped(inner.text)}`,
      operators: inner.operators + 1,
      certain: true,
      signed: false,
    }
  }
  if (phraseAt(tokens, start, 'square of') > 0) {
    const inner = readOperand(tokens, start + 2, depth + 1, true)
    return inner && powered(inner, '^2', inner.next)
  }
  const verb = readVerb(tokens, at, depth + 1)
  if (verb) return { ...verb, text: grouped(verb.text), signed: false }

  const factor = FACTORS.find(({ phrase }) => phraseAt(tokens, at, phrase) > 0)
  const inner = factor && readOperand(tokens, at + phraseAt(tokens, at, factor.phrase), depth + 1, true)
  if (!inner) return undefined
  const text = factor.text + inner.text
  return { ...inner, text: joined ? grouped(text) : text, operators: inner.operators + 1, signed: false }
}

function readPrimary(tokens: readonly ArithmeticToken[], at: number, depth: number): Expression | undefined {
  const token = tokens[at]
  const plain = { operators: 0, certain: false, signed: false }
  if (token?.kind === 'number') {
    const scale = scaleOf(tokens[at + 1]?.text)
    if (scale === undefined) return { text: token.text, next: at + 1, ...plain }
    return { text: String(Number(token.text) * scale), next: at + 2, ...plain }
  }
  if (token?.text === '(') {
    const inner = readExpression(tokens, at + 1, depth + 1)
    if (!inner || tokens[inner.next]?.text !== ')') return undefined
    return { ...inner, text: `(${inner.text})`, next: inner.next + 1, signed: false }
  }
  if (token?.kind !== 'word') return undefined
  const words: string[] = []
  for (let next = at; words.length < 16 && tokens[next]?.kind === 'word'; next++)
    words.push(tokens[next]?.text ?? '')
  const number = readNumberWords(words)
  return number && { text: String(number.value), next: at + number.count, ...plain }
}

function readPostfixes(
  tokens: readonly ArithmeticToken[],
  operand: Expression,
  depth: number,
  joined: boolean,
): Expression {
  let found = operand
  for (;;) {
    const { next } = found
    const postfix = POSTFIXES.find(({ phrase }) => phraseAt(tokens, next, phrase) > 0)
    if (!postfix) break
    found = powered(found, postfix.text, next + 1)
  }
  return readPercent(tokens, found, depth, joined) ?? found
}

/** `15% of 80` and a plain `15%`; `10 % 3` is left to be a modulo. */
function readPercent(
  tokens: readonly ArithmeticToken[],
  base: Expression,
  depth: number,
  joined: boolean,
): Expression | undefined {
  const length = ['%', 'percent', 'per cent', 'pct'].reduce(
    (found, phrase) => found || phraseAt(tokens, base.next, phrase),
    0,
  )
  if (length === 0) return undefined
  const next = base.next + length
  const of = phraseAt(tokens, next, 'of')
  const whole = of > 0 ? readOperand(tokens, next + of, depth + 1, true) : undefined
  if (!whole && tokens[base.next]?.text === '%' && readPrimary(tokens, next, depth + 1)) return undefined

  const text = `${base.text} / 100${whole ? ` * ${whole.text}` : ''}`
  return {
    text: joined ? grouped(text) : text,
    next: whole ? whole.next : next,
    operators: base.operators + (whole ? whole.operators + 1 : 0),
    certain: base.certain || whole !== undefined,
    signed: base.signed,
  }
}
