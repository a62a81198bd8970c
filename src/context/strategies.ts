import type { Scope } from '../bus/scope.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import { checkWholeNumber } from './check-option.ts'
import { chooseExchanges, without } from './drop-exchanges.ts'
import { exchangesOf, keepNewest } from './exchanges.ts'

/** What a strategy may want to know, beside the messages. */
export interface ContextBudget {
  /** Tokens of one message. */
  countTokens: (message: ConversationMessage) => number
  /** Tokens of what is sent beside the history: the system message and the tools, and what is reserved for the answer. */
  systemTokens: number
  /** The scope of `context.read`: what a strategy executes and publishes through it belongs to the turn. */
  scope?: Scope
}

/**
 * Chooses what a model sees of a history; plain functions, so that a user's own is as good as ours. What it makes of the
 * history is healed afterwards, so that half a tool exchange is never sent.
 */
export type ContextStrategy = (
  messages: readonly ConversationMessage[],
  budget: ContextBudget,
) => readonly ConversationMessage[] | Promise<readonly ConversationMessage[]>

/** A strategy that answers at once. */
export type WindowStrategy = (
  messages: readonly ConversationMessage[],
  budget: ContextBudget,
) => readonly ConversationMessage[]

/**
 * The newest whole exchanges that together have at most `count` messages, at least the last one; instructions and pinned
 * exchanges stay beside them.
 */
export function lastMessages(count: number): WindowStrategy {
  checkWholeNumber('lastMessages(count)', count, 0)
  return (messages) => {
    let left = count
    return keepNewest(messages, (exchange) => {
      left -= exchange.length
      return left >= 0
    })
  }
}

/**
 * The whole exchanges that fit `maxTokens` together with the system prompt and the tools, at least the last one: those that are
 * marked as not needed go first, then the oldest; instructions and pinned exchanges stay.
 */
export function withinTokens(maxTokens: number): WindowStrategy {
  checkWholeNumber('withinTokens(maxTokens)', maxTokens, 0)
  return (messages, { countTokens, systemTokens }) => {
    const exchanges = exchangesOf(messages)
    const countOf = (exchange: readonly ConversationMessage[]): number =>
      exchange.reduce((sum, message) => sum + countTokens(message), 0)
    return without(
      exchanges,
      chooseExchanges(exchanges, maxTokens - systemTokens, countOf, countTokens),
    ).flat()
  }
}
