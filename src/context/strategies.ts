import type { ConversationMessage } from '../messages/conversation.ts'
import { keepNewest } from './exchanges.ts'

/** Chooses what a model sees of a history; plain functions, so that a user's own is as good as ours. */
export type ContextStrategy = (
  messages: readonly ConversationMessage[],
  budget: { countTokens: (message: ConversationMessage) => number; systemTokens: number },
) => readonly ConversationMessage[]

/** The newest whole exchanges that together have at most `count` messages, at least the last one. */
export function lastMessages(count: number): ContextStrategy {
  return (messages) => {
    let left = count
    return keepNewest(messages, (exchange) => {
      left -= exchange.length
      return left >= 0
    })
  }
}

/** The newest whole exchanges that fit `maxTokens` together with the system prompt, at least the last one. */
export function withinTokens(maxTokens: number): ContextStrategy {
  return (messages, { countTokens, systemTokens }) => {
    let left = maxTokens - systemTokens
    return keepNewest(messages, (exchange) => {
      for (const message of exchange) left -= countTokens(message)
      return left >= 0
    })
  }
}
