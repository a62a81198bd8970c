import type * as z from 'zod'
import type { ConversationMessage } from '../messages/conversation.ts'
import type { FindMessages } from '../messages/session.ts'
import { messageQuery } from './message-query.ts'

/**
 * The messages that a query finds, archived and purged ones too, as copies. With a `limit` it stops as soon as it has them.
 *
 * @throws BuslineError `INVALID_QUERY`
 */
export function findMessages(
  messages: readonly ConversationMessage[],
  { where = {}, order = 'oldest', limit = Infinity }: z.output<typeof FindMessages.input>,
): ConversationMessage[] {
  const fits = messageQuery(where)
  const found: ConversationMessage[] = []
  for (let count = 0; count < messages.length && found.length < limit; count++) {
    const message = messages[order === 'oldest' ? count : messages.length - 1 - count]
    if (message && fits(message)) found.push(structuredClone(message))
  }
  return found
}
