import { operatorAt } from './arithmetic-phrases.ts'
import { arithmeticTokens, type ArithmeticToken } from './arithmetic-tokens.ts'
import type { Expression } from './expression.ts'
import { readExpression } from './read-expression.ts'

/** Something to calculate; no `expression` when the wish is plain but the sum is beyond this program. */
export interface ArithmeticWish {
  readonly subject: 'arithmetic'
  readonly at: number
  readonly expression?: string
}

/** Words that make a run of arithmetic the smaller part of something this reader can't say. */
const BEYOND =
  /^(?:sin|cos|tan|log|ln|exp|abs|min|max|round|floor|ceil|factorial|cube|root|sine|cosine|tangent|logarithm|average|median|add|subtract|multiply|divide|sum|product|difference)$/

/** Finds the expressions of a text, in order, in the notation of `calculate`: `+ - * / ^ % ( ) sqrt()`. */
export function understandArithmetic(text: string): ArithmeticWish[] {
  const tokens = arithmeticTokens(text)
  const wishes: ArithmeticWish[] = []

  for (let from = 0; from < tokens.length;) {
    const found = readExpression(tokens, from)
    const start = tokens[from]
    if (found && start && found.operators > 0) {
      if (isMeant(tokens, from, found))
        wishes.push({ subject: 'arithmetic', at: start.at, expression: found.text })
      from = found.next
    } else from++
  }

  if (wishes.length > 0) return wishes
  const order = tokens.findIndex((token) => /^(?:calculate|compute|evaluate)$/.test(token.text))
  const at = tokens[order]?.at
  return at !== undefined && isCue(tokens, order - 1) ? [{ subject: 'arithmetic', at }] : []
}

function isMeant(tokens: readonly ArithmeticToken[], from: number, found: Expression): boolean {
  if (isPartOfMore(tokens, from, found.next)) return false
  if (found.certain && !found.signed) return true

  // what follows may be prose: "open 24/7", "10-20 people", "call 555-1234", "x - 5 + 3"
  if (!isCue(tokens, from - 1)) return false
  const afterBreak = tokens[from - 1]?.kind === 'break' && !OPENERS.test(tokens[from - 2]?.text ?? '')
  return found.certain || (isEnd(tokens, found.next) && !(afterBreak && !found.text.includes(' ')))
}

/** The run is a piece of something that this reader can't take whole, so that its value would mislead. */
function isPartOfMore(tokens: readonly ArithmeticToken[], from: number, next: number): boolean {
  const [last = '', earlier = ''] = [tokens[from - 1]?.text, tokens[from - 2]?.text]
  if (/^[-+*/^%(\u221a]$/.test(last) || BEYOND.test(last)) return true
  if ((last === 'of' || last === 'the') && BEYOND.test(earlier)) return true

  const operator = operatorAt(tokens, next)
  if (tokens[next]?.kind === 'opaque' && tokens[next]?.text === '!') return true
  const rest = tokens[next + (operator?.length ?? 0)]
  if (!operator || !rest || rest.kind === 'break') return false
  // "12*12 - and the weather?": a dash, not a minus
  return !(operator.text === '-' && rest.kind === 'word' && rest.text.length > 1 && !BEYOND.test(rest.text))
}

const OPENERS =
  /^(?:calculate|compute|evaluate|solve|equals|and|then|also|so|now|please|ok|okay|hey|hi|whats|what's)$/

/** The words before a token ask for a value, or there are none. */
function isCue(tokens: readonly ArithmeticToken[], at: number): boolean {
  const token = tokens[at]
  const before = tokens[at - 1]?.text ?? ''
  if (!token || token.kind === 'break' || token.text === '=') return true
  if (token.text === 'is') return ['what', 'much', 'many', 'result', 'answer'].includes(before)
  if (token.text === 'of') return ['result', 'value'].includes(before)
  if (token.text === 'about') return ['what', 'how'].includes(before)
  if (token.text === 'me') return ['tell', 'give'].includes(before)
  if (token.text === 'does') return ['what', 'much'].includes(before)
  return OPENERS.test(token.text)
}

function isEnd(tokens: readonly ArithmeticToken[], at: number): boolean {
  const token = tokens[at]
  return !token || token.kind === 'break' || /^(?:=|please|equals?|and|then|also|make|now)$/.test(token.text)
}
