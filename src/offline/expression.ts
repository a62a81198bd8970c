import type { Operator } from './arithmetic-phrases.ts'
import type { ArithmeticToken } from './arithmetic-tokens.ts'

/** An expression found in a text, in the notation of `calculate`. It is never computed here. */
export interface Expression {
  readonly text: string
  /** The token after it. */
  readonly next: number
  readonly operators: number
  /** At least one operator can't be prose. */
  readonly certain: boolean
  readonly signed: boolean
}

/** Two operands and the operator between them. */
export function join(left: Expression, operator: Operator, right: Expression, tight: boolean): Expression {
  return {
    text: left.text + (tight ? operator.text : ` ${operator.text} `) + right.text,
    next: right.next,
    operators: left.operators + 1 + right.operators,
    certain: left.certain || operator.certain || right.certain,
    signed: left.signed,
  }
}

/** Spacing follows the writer's, `24*7` or `24 * 7`; powers are always tight. */
export function isTight(
  tokens: readonly ArithmeticToken[],
  at: number,
  operator: Operator,
  right: Expression,
) {
  if (operator.text === '^' || operator.length === 0) return true
  const sign = tokens[at]
  if (right.signed || sign?.kind !== 'symbol') return false
  return tokens[at - 1]?.end === sign.at && sign.end === tokens[at + 1]?.at
}

/** An operand raised to a power. */
export function powered(base: Expression, power: string, next: number): Expression {
  const text = /^[\d.]+$/.test(base.text) ? base.text : grouped(base.text)
  return { text: text + power, next, operators: base.operators + 1, certain: true, signed: false }
}

/** In parentheses, unless one pair encloses it already: `(1 + 2)` is left, `(1) + (2)` is not. */
export function grouped(text: string): string {
  let open = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') open++
    if (text[at] === ')') open--
    if (open === 0 && at < text.length - 1) return `(${text})`
  }
  return text.startsWith('(') ? text : `(${text})`
}
