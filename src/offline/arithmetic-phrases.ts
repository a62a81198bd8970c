import type { ArithmeticToken } from './arithmetic-tokens.ts'

/** An operator between two operands, and how many tokens say it. */
export interface Operator {
  readonly text: '+' | '-' | '*' | '/' | '^' | '%'
  readonly length: number
  /** False for what prose uses too: `10-20 people`, `24/7`, `2x4`. */
  readonly certain: boolean
}

const PHRASES: readonly { readonly words: string; readonly text: Operator['text']; readonly vague?: true }[] =
  [
    { words: 'raised to the power of', text: '^' },
    { words: 'to the power of', text: '^' },
    { words: 'to the power', text: '^' },
    { words: 'multiplied by', text: '*' },
    { words: 'divided by', text: '/' },
    { words: 'raised to', text: '^' },
    { words: 'plus', text: '+' },
    { words: 'minus', text: '-' },
    { words: 'times', text: '*' },
    { words: 'modulo', text: '%' },
    { words: 'mod', text: '%' },
    { words: 'over', text: '/', vague: true },
    { words: 'x', text: '*', vague: true },
  ]

/** How many tokens from `at` on say `phrase`; 0 when they say something else. */
export function phraseAt(tokens: readonly ArithmeticToken[], at: number, phrase: string): number {
  // most places fail here, before anything is split: a text is asked about many phrases
  if (!phrase.startsWith(tokens[at]?.text ?? ' ')) return 0
  const words = phrase.split(' ')
  return words.every((word, index) => tokens[at + index]?.text === word) ? words.length : 0
}

/** The operator at a place, in symbols or words; `2(3 + 4)` holds one of no length. */
export function operatorAt(tokens: readonly ArithmeticToken[], at: number): Operator | undefined {
  const token = tokens[at]
  if (!token) return undefined
  if (token.kind === 'word') {
    const phrase = PHRASES.find(({ words }) => phraseAt(tokens, at, words) > 0)
    return phrase && { text: phrase.text, length: phrase.words.split(' ').length, certain: !phrase.vague }
  }
  if (token.kind !== 'symbol') return undefined

  switch (token.text) {
    case '+':
    case '*':
    case '^':
    case '%':
      return { text: token.text, length: 1, certain: true }
    case '-':
    case '/':
      return { text: token.text, length: 1, certain: false }
    case 'x':
      return { text: '*', length: 1, certain: false }
    case '(':
      return tokens[at - 1]?.end === token.at ? { text: '*', length: 0, certain: false } : undefined
    default:
      return undefined
  }
}

/** `add 3 and 4`, `subtract 3 from 10`: said before both operands. */
export const VERBS: readonly {
  readonly phrase: string
  readonly text: Operator['text']
  readonly joiners: readonly string[]
  readonly swapped?: true
}[] = [
  { phrase: 'sum of', text: '+', joiners: ['and'] },
  { phrase: 'add', text: '+', joiners: ['and', 'to'] },
  { phrase: 'product of', text: '*', joiners: ['and'] },
  { phrase: 'multiply', text: '*', joiners: ['by', 'and', 'with'] },
  { phrase: 'difference between', text: '-', joiners: ['and'] },
  { phrase: 'subtract', text: '-', joiners: ['from'], swapped: true },
  { phrase: 'divide', text: '/', joiners: ['by'] },
]

/** `half of 80`: a factor said before its operand. Prose uses these too. */
export const FACTORS: readonly { readonly phrase: string; readonly text: string }[] = [
  { phrase: 'half of', text: '1 / 2 * ' },
  { phrase: 'a third of', text: '1 / 3 * ' },
  { phrase: 'a quarter of', text: '1 / 4 * ' },
  { phrase: 'twice', text: '2 * ' },
  { phrase: 'double', text: '2 * ' },
]

/** The ways to ask for a square root; the operand follows. */
export const ROOTS = ['square root of', 'sqrt of', 'sqrt', '\u221a'] as const

/** What follows an operand: `5 squared`. */
export const POSTFIXES: readonly { readonly phrase: string; readonly text: string }[] = [
  { phrase: 'squared', text: '^2' },
  { phrase: '\u00b2', text: '^2' },
  { phrase: 'cubed', text: '^3' },
  { phrase: '\u00b3', text: '^3' },
]
