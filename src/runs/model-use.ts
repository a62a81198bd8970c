import type { JournalRecord } from '../bus/journal.ts'
import { fieldAt, numberAt, textAt } from './field-at.ts'

/** Tokens of model calls, summed; cached ones are part of the input, those of reasoning part of the output. */
export interface TokenSums {
  input: number
  output: number
  cached: number
  reasoning: number
}

/** What an answer was said to take: a usage, a cost in US dollars. */
export interface ToldUse {
  readonly usage: Readonly<TokenSums> | undefined
  readonly cost: number | undefined
}

/** What one ended model call took. `told` is undefined of one that failed and told nothing: nobody was asked to pay for it. */
export interface ModelUse {
  readonly told: ToldUse | undefined
  readonly ms: number | undefined
  readonly firstTokenMs: number | undefined
}

export const NO_TOKENS: Readonly<TokenSums> = { input: 0, output: 0, cached: 0, reasoning: 0 }

export function addTokens(to: TokenSums, more: Readonly<TokenSums>): void {
  to.input += more.input
  to.output += more.output
  to.cached += more.cached
  to.reasoning += more.reasoning
}

/** What the result of a `model.call` tells of its usage and cost; a failed one tells it in its error's `data`, if at all. */
export function toldUse({ output, error }: Readonly<JournalRecord>): ToldUse | undefined {
  const said = error === undefined ? output : error.data
  const input = numberAt(said, 'usage', 'inputTokens')
  const outputTokens = numberAt(said, 'usage', 'outputTokens')
  const cost = numberAt(said, 'cost')
  if (input === undefined || outputTokens === undefined)
    return error === undefined ? { usage: undefined, cost } : undefined
  const cached = numberAt(said, 'usage', 'cachedTokens') ?? 0
  const reasoning = numberAt(said, 'usage', 'reasoningTokens') ?? 0
  return { cost, usage: { input, output: outputTokens, cached, reasoning } }
}

/** The model that answered, as the server named it. */
export function answeredBy({ output }: Readonly<JournalRecord>): string | undefined {
  return textAt(output, 'model')
}

/**
 * What tells two failed calls apart from one failure that ended both: the error of a call inside another one may end that
 * too, and its usage is that of the inner. Undefined where no usage was told.
 */
export function failureMark({ error }: Readonly<JournalRecord>): string | undefined {
  if (fieldAt(error, 'data', 'usage') === undefined) return undefined
  return JSON.stringify([fieldAt(error, 'code'), fieldAt(error, 'message'), fieldAt(error, 'data', 'usage')])
}
