import type { ConversationMessage } from '../messages/conversation.ts'
import { instructionsOf, isInstruction, isNotNeeded, isPinned, type Exchange } from './exchanges.ts'

/**
 * Chooses which exchanges go so that the rest comes to at most `maxTokens`: those marked as not needed first, the oldest of
 * them first, then the oldest. The last one never goes, nor one with a pinned message, nor one that is all instructions.
 * As few as it takes; all that may go where even that is not enough.
 */
export function chooseExchanges<E extends Exchange>(
  exchanges: readonly E[],
  maxTokens: number,
  countOf: (exchange: E) => number,
  countTokens: (message: ConversationMessage) => number,
): Set<E> {
  const gone = new Set<E>()
  let left = exchanges.reduce((sum, exchange) => sum + countOf(exchange), 0)
  if (left <= maxTokens) return gone

  const candidates = exchanges.slice(0, -1).filter((one) => traitsOf(one).mayGo)
  const unwanted = candidates.filter((one) => traitsOf(one).notNeeded)
  const others = unwanted.length === 0 ? candidates : candidates.filter((one) => !traitsOf(one).notNeeded)
  for (const exchange of [...unwanted, ...others]) {
    if (left <= maxTokens) break
    gone.add(exchange)
    left -= countOf(exchange)
    for (const kept of traitsOf(exchange).instructions) left += countTokens(kept)
  }
  return gone
}

/** The messages that stay, in their order: of an exchange that goes its instructions. */
export function without<E extends Exchange>(exchanges: readonly E[], gone: ReadonlySet<E>): Exchange[] {
  return exchanges.flatMap((exchange): Exchange[] => {
    if (!gone.has(exchange)) return [exchange]
    const { instructions } = traitsOf(exchange)
    return instructions.length === 0 ? [] : [instructions]
  })
}

interface Traits {
  mayGo: boolean
  notNeeded: boolean
  instructions: Exchange
}

/** Worked out once: a long history has thousands of exchanges, and a step asks for all of them. */
const known = new WeakMap<Exchange, Traits>()

function traitsOf(exchange: Exchange): Traits {
  const before = known.get(exchange)
  if (before) return before
  const traits = {
    mayGo: !isPinned(exchange) && !exchange.every(isInstruction),
    notNeeded: isNotNeeded(exchange),
    instructions: instructionsOf(exchange),
  }
  known.set(exchange, traits)
  return traits
}
