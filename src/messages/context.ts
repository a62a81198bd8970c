import * as z from 'zod'
import { TrustedMessages } from './conversation.ts'
import { defineCommand } from './define-command.ts'

/**
 * Reads what the model is to see of the scope's session: system prompt first, then the window of the history.
 * `tokens` is the manager's count of it. The journal holds the counts only; the model call names the ids.
 */
export const ReadContext = defineCommand('context.read', {
  input: z.object({}),
  output: z.object({ messages: TrustedMessages, tokens: z.number() }),
  recordOutput: ({ messages, tokens }) => ({ messages: messages.length, tokens }),
})
