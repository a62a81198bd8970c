import type { Scope } from '../bus/scope.ts'
import { ContextPurged } from '../messages/context.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import { EditMessages } from '../messages/session.ts'
import { chooseExchanges } from './drop-exchanges.ts'
import { isInstruction, type Exchange } from './exchanges.ts'

/**
 * Marks whole exchanges of the scope's session as purged, so that the rest comes to at most `target` tokens, and tells so with
 * `context.purged`. Does nothing where nothing may go.
 */
export async function purgeHistory(
  exchanges: readonly Exchange[],
  {
    target,
    scope,
    countTokens,
  }: { target: number; scope: Scope; countTokens: (message: ConversationMessage) => number },
): Promise<void> {
  const countOf = (exchange: Exchange): number =>
    exchange.reduce((sum, message) => sum + countTokens(message), 0)
  const gone = [...chooseExchanges(exchanges, target, countOf, countTokens)]
    .flat()
    .filter((one) => !isInstruction(one))
  const ids = gone.flatMap(({ id }) => (id === undefined ? [] : [id]))
  if (ids.length === 0) return
  await scope.execute(EditMessages, { edits: [{ op: 'mark', ids, meta: { purged: true } }] })
  scope.publish(ContextPurged, { messages: ids, tokens: countOf(gone) })
}
