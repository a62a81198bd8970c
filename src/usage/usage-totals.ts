import type { ConversationMessage, TokenUsage } from '../messages/conversation.ts'
import { addCosts, addUsage } from '../messages/usage-sum.ts'
import type { UsageTotals } from '../messages/usage.ts'

export const NOTHING_USED: UsageTotals = Object.freeze({
  usage: Object.freeze({ inputTokens: 0, outputTokens: 0, totalTokens: 0, calls: 0 }),
  cost: 0,
  unpriced: 0,
})

/** Two totals as one, to the token and the picodollar; for a store that adds them up itself. */
export function addTotals(a: UsageTotals, b: UsageTotals): UsageTotals {
  return {
    usage: addUsage(a.usage, b.usage),
    cost: addCosts(a.cost, b.cost),
    unpriced: a.unpriced + b.unpriced,
  }
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
