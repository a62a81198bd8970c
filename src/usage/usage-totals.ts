import type { ConversationMessage, TokenUsage, TurnUsage } from '../messages/conversation.ts'
import type { UsageTotals } from '../messages/usage.ts'
import { addCosts } from './exact-costs.ts'

export const NOTHING_USED: UsageTotals = Object.freeze({
  usage: Object.freeze({ inputTokens: 0, outputTokens: 0, totalTokens: 0, calls: 0 }),
  cost: 0,
  unpriced: 0,
})

const PARTS = [
  'cachedTokens',
  'cacheWriteTokens',
  'reasoningTokens',
  'audioInputTokens',
  'audioOutputTokens',
] as const

/** Two totals as one, to the token and the picodollar; for a store that adds them up itself. */
export function addTotals(a: UsageTotals, b: UsageTotals): UsageTotals {
  const usage: TurnUsage = {
    inputTokens: a.usage.inputTokens + b.usage.inputTokens,
    outputTokens: a.usage.outputTokens + b.usage.outputTokens,
    totalTokens: a.usage.totalTokens + b.usage.totalTokens,
    calls: a.usage.calls + b.usage.calls,
  }
  for (const part of PARTS) {
    if (a.usage[part] === undefined && b.usage[part] === undefined) continue
    usage[part] = (a.usage[part] ?? 0) + (b.usage[part] ?? 0)
  }
  return { usage, cost: addCosts(a.cost, b.cost), unpriced: a.unpriced + b.unpriced }
}

/** The totals of one model call. A usage of null counts as a call without a price, unless it is known to cost nothing. */
export function totalsOfCall(usage: TokenUsage | null, cost: number | null): UsageTotals {
  return {
    usage: usage ? { ...usage, calls: 1 } : NOTHING_USED.usage,
    cost: cost ?? 0,
    unpriced: cost === null ? 1 : 0,
  }
}

/** What the messages of a history say that they took. */
export function totalsOfMessages(messages: readonly ConversationMessage[]): UsageTotals {
  let totals = NOTHING_USED
  for (const { meta } of messages) {
    if (!meta?.usage && typeof meta?.cost !== 'number') continue
    const { usage = NOTHING_USED.usage, cost = null } = meta
    totals = addTotals(totals, { usage, cost: cost ?? 0, unpriced: cost === null ? usage.calls : 0 })
  }
  return totals
}
