import type { ConversationMessage } from '../messages/conversation.ts'

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
 * asked to answer. System and developer messages of the history stay wherever they stand.
 *
 * @param fits called with each exchange from the newest on, until it says no
 */
export function keepNewest(
  messages: readonly ConversationMessage[],
  fits: (exchange: readonly ConversationMessage[]) => boolean,
): ConversationMessage[] {
  const exchanges = exchangesOf(messages)
  let first = exchanges.length
  while (first > 0 && fits(exchanges[first - 1] ?? [])) first--
  first = Math.min(first, Math.max(0, exchanges.length - 1))
  return exchanges.flatMap((exchange, index) => (index >= first ? exchange : exchange.filter(isInstruction)))
}

function isInstruction({ role }: ConversationMessage): boolean {
  return role === 'system' || role === 'developer'
}
