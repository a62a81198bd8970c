import { defineTool } from 'busline'
import { Parser } from 'expr-eval-fork'
import * as z from 'zod'

/** Arithmetic only: what could assign, define or index is switched off. */
const parser = new Parser({
  allowMemberAccess: false,
  operators: {
    assignment: false,
    fndef: false,
    in: false,
    logical: false,
    comparison: false,
    conditional: false,
    concatenate: false,
    // A factorial is a loop as long as its number: `fac(1e12)` would never come back.
    factorial: false,
    random: false,
  },
})
const { min, max, hypot, pow, atan2 } = parser.functions
parser.functions = { min, max, hypot, pow, atan2 }
parser.consts = { pi: Math.PI, PI: Math.PI, e: Math.E, E: Math.E }

const OFF = new Set(['length', 'not', 'random'])
const NAMES = new Set(
  [parser.consts, parser.functions, parser.unaryOps]
    .flatMap((named) => Object.keys(named))
    .filter((name) => /^\w+$/.test(name) && !OFF.has(name)),
)
const LONGEST = 1000

/** Evaluates an arithmetic expression with a real parser. */
export const calculate = defineTool({
  name: 'calculate',
  description:
    'Evaluate an arithmetic expression: + - * / % ^, parentheses, sqrt, sin, log, pi and the like.',
  parameters: z.object({
    expression: z.string().min(1).max(LONGEST).describe('The expression, e.g. "(3 + 4) * 2^5"'),
  }),
  run: function evaluate({ expression }) {
    const plain = expression
      .replaceAll('**', '^')
      .replaceAll('×', '*')
      .replaceAll('÷', '/')
      .replaceAll('−', '-')
    const strange = strangerIn(plain)
    if (strange !== undefined) {
      const known = [...NAMES].join(', ')
      throw new Error(`${JSON.stringify(strange)} is no arithmetic. Known are + - * / % ^ ( ) and ${known}.`)
    }
    const result: unknown = parser.evaluate(plain)
    if (typeof result !== 'number' || !Number.isFinite(result)) {
      throw new Error(`${expression} has no finite number as its value.`)
    }
    // Fifteen digits are what a double holds of any fraction: 0.1 + 0.2 is 0.3. Whole numbers it holds longer.
    return {
      expression,
      result: Number.isSafeInteger(result) ? result : Number(result.toPrecision(15)),
    }
  },
})

/**
 * The first character or name that is none of arithmetic's. Asked before the parser, which looks names up in plain
 * objects and so would find, and call, `toString` and its like.
 */
function strangerIn(expression: string): string | undefined {
  const character = /[^\w\s.,()+\-*/%^]/u.exec(expression)?.[0]
  // Not the `e` of `1e3`, nor the `x` of `0x10`.
  const names = expression.match(/(?<![\w.])[A-Za-z_]\w*/g) ?? []
  return character ?? names.find((name) => !NAMES.has(name))
}
