import type { ConversationMessage } from '../messages/conversation.ts'

/** One user message and all that answers it. */
export type Exchange = readonly ConversationMessage[]

/**
 * Splits a history into exchanges: one user message and all that answers it, tool calls and their results included.
 * Whatever keeps or drops whole exchanges can never orphan a tool message. What comes before the first user
 * message is an exchange of its own.
 */
export function exchangesOf(messages: readonly ConversationMessage[]): ConversationMessage[][] {
  const exchanges: ConversationMessage[][] = []
  for (const message of messages) {
    const open = exchanges.at(-1)
    if (!open || message.role === 'user') exchanges.push([message])
    else open.push(message)
  }
  return exchanges
}

/**
 * Keeps the newest exchanges that `fits` accepts, never a part of one, and always the last: it is what the model is
 * asked to answer. System and developer messages of the history stay wherever they stand, and so do exchanges with a pinned
 * message.
 *
 * @param fits called with each exchange from the newest on, until it says no
 */
export function keepNewest(
  messages: readonly ConversationMessage[],
  fits: (exchange: Exchange) => boolean,
): ConversationMessage[] {
  const exchanges = exchangesOf(messages)
  let first = exchanges.length
  while (first > 0 && fits(exchanges[first - 1] ?? [])) first--
  first = Math.min(first, Math.max(0, exchanges.length - 1))
  return exchanges.flatMap((exchange, index) =>
    index >= first || isPinned(exchange) ? exchange : instructionsOf(exchange),
  )
}

/** A message that a user, or a program, wants to be sent always keeps its exchange. */
export function isPinned(exchange: Exchange): boolean {
  return exchange.some(({ meta }) => meta?.pinned === true)
}

/** One message that is not needed gives the whole exchange away, unless another is pinned. */
export function isNotNeeded(exchange: Exchange): boolean {
  return exchange.some(({ meta }) => meta?.notNeeded === true)
}

/** What stays of an exchange that goes. */
export function instructionsOf(exchange: Exchange): ConversationMessage[] {
  return exchange.filter(isInstruction)
}

export function isInstruction({ role }: ConversationMessage): boolean {
  return role === 'system' || role === 'developer'
}
