import type { TurnUsage } from './conversation.ts'

/** The unit in which costs are summed: 1e-12 of a dollar, so that a token has a whole price. */
const PER_DOLLAR = 1e12

/** What only some servers tell of a call: absent in a sum where no part of it told it. */
const PARTS = [
  'cachedTokens',
  'cacheWriteTokens',
  'reasoningTokens',
  'audioInputTokens',
  'audioOutputTokens',
] as const

/** Picodollars as dollars. */
export function toCost(picodollars: number): number {
  return picodollars / PER_DOLLAR
}

/**
 * Adds dollars by way of whole picodollars, so that nothing drifts: 0.1 and 0.2 are 0.3, in any order. Exact for sums
 * of up to 2000 dollars (2^51 picodollars); of more, to sixteen digits.
 */
export function addCosts(a: number, b: number): number {
  return toCost(Math.round(a * PER_DOLLAR) + Math.round(b * PER_DOLLAR))
}

/** Adds what model calls took, to the token; a part that neither has stays absent. */
export function addUsage(a: TurnUsage, b: TurnUsage): TurnUsage {
  const sum: TurnUsage = {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    totalTokens: a.totalTokens + b.totalTokens,
    calls: a.calls + b.calls,
  }
  for (const part of PARTS) {
    if (a[part] !== undefined || b[part] !== undefined) sum[part] = (a[part] ?? 0) + (b[part] ?? 0)
  }
  return sum
}
