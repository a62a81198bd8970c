import type { TokenUsage } from '../messages/conversation.ts'
import { toCost } from '../messages/usage-sum.ts'
import { priceOf, type Prices, type PriceTable } from './price-table.ts'
import { PRICES } from './prices.ts'

/**
 * What one model call cost, in US dollars; null when nobody knows: the table has no price of the model, or the server
 * told no usage (of a model whose price is 0 that is 0 too). Never negative.
 *
 * The tokens fall into five kinds, each with its price: cached input, input written to a cache, audio sent, the rest of the
 * input; audio answered, the rest of the output. Reasoning is a part of the output. A kind without a price of its own
 * costs what input or output does. The sum is exact: whole tokens times whole picodollars (1e-12), rounded once, to the
 * nearest number of dollars.
 *
 * @param at epoch milliseconds: the prices that held then (default: the latest)
 */
export function costOf(
  usage: TokenUsage | null,
  model: string | null,
  prices: PriceTable = PRICES,
  at?: number,
): number | null {
  const price = model === null ? undefined : priceOf(model, prices, at)
  if (!price) return null
  if (!usage) return Object.values(rates(price, prices.per)).every((rate) => rate === 0) ? 0 : null

  const tier = price.tiers
    ?.filter(({ above }) => usage.inputTokens > above)
    .reduce<Tier | undefined>(
      (highest, one) => (highest && highest.above > one.above ? highest : one),
      undefined,
    )
  const rate = rates(tier ?? price, prices.per)
  const { cachedTokens = 0, cacheWriteTokens = 0, audioInputTokens = 0, audioOutputTokens = 0 } = usage
  // A server that counts its parts wrongly must not make the rest negative.
  const plainInput = Math.max(0, usage.inputTokens - cachedTokens - cacheWriteTokens - audioInputTokens)
  const plainOutput = Math.max(0, usage.outputTokens - audioOutputTokens)
  return toCost(
    plainInput * rate.input +
      cachedTokens * rate.cachedInput +
      cacheWriteTokens * rate.cacheWrite +
      audioInputTokens * rate.audioInput +
      plainOutput * rate.output +
      audioOutputTokens * rate.audioOutput,
  )
}

type Tier = NonNullable<NonNullable<ReturnType<typeof priceOf>>['tiers']>[number]

/** Picodollars a token: whole numbers for prices of up to six decimals a million. */
function rates(price: Prices, per: number): Record<keyof Prices, number> {
  const { input, output } = price
  const rate = (dollars: number): number => Math.round((dollars * 1e12) / per)
  return {
    input: rate(input),
    output: rate(output),
    cachedInput: rate(price.cachedInput ?? input),
    cacheWrite: rate(price.cacheWrite ?? input),
    audioInput: rate(price.audioInput ?? input),
    audioOutput: rate(price.audioOutput ?? output),
  }
}
