import type { ConversationMessage } from '../messages/conversation.ts'
import { settle } from '../messages/settled.ts'

/** What stands around the history. */
export interface Surroundings {
  before: ConversationMessage[]
  after: ConversationMessage[]
}

/**
 * The system message with the block of the context providers at its end, or the block in a message of its own behind the
 * history. The same object as long as the text is the same, so that what was worked out from it is of use again.
 */
export function surround(
  {
    systemPrompt,
    block,
    placement,
  }: { systemPrompt: string | null; block: string; placement: 'end' | 'system' },
  known: { message?: ConversationMessage },
): Surroundings {
  const own = placement === 'system' ? [systemPrompt, block] : [systemPrompt]
  const text = own.filter(Boolean).join('\n\n')
  if (text !== '' && known.message?.content !== text)
    known.message = settle({ role: 'system', content: text })
  return {
    before: text !== '' && known.message ? [known.message] : [],
    after: placement === 'end' && block !== '' ? [settle({ role: 'system', content: block })] : [],
  }
}
