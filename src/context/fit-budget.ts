import type { ConversationMessage } from '../messages/conversation.ts'
import { chooseExchanges, without } from './drop-exchanges.ts'
import type { Exchange } from './exchanges.ts'
import { shortenResults } from './shorten-results.ts'

/**
 * Leaves out exchanges until the rest fits. Where even what may not go is too much, the tool results of the last exchange are
 * shortened; what is still too much is sent: the server's refusal says more than an answer to a question without its end.
 */
export function fitBudget(
  exchanges: readonly Exchange[],
  {
    maxTokens,
    countTokens,
    countExchange,
  }: {
    maxTokens: number
    countTokens: (message: ConversationMessage) => number
    countExchange: (exchange: Exchange) => number
  },
): readonly Exchange[] {
  const kept = without(exchanges, chooseExchanges(exchanges, maxTokens, countExchange, countTokens))
  const over = kept.reduce((sum, exchange) => sum + countExchange(exchange), 0) - maxTokens
  const last = kept.at(-1)
  if (over <= 0 || !last) return kept
  return [...kept.slice(0, -1), shortenResults(last, over, countTokens)]
}
