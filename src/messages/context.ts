import * as z from 'zod'
import { TrustedMessages } from './conversation.ts'
import { defineCommand } from './define-command.ts'
import { defineEvent } from './define-event.ts'
import { Failure } from './failure.ts'
import type { ToolDescription } from './tool.ts'

const TrustedTools = z.custom<ToolDescription[]>(
  (value) => Array.isArray(value),
  'expected an array of tools',
)

/**
 * Reads what the model is to see of the scope's session: system prompt first, then the window of the history. `tools` are
 * those that the model will be offered, for a budget that counts them. `tokens` is the manager's count of all of it, tools
 * included. The journal holds the counts only; the model call names the ids.
 */
export const ReadContext = defineCommand('context.read', {
  input: z.object({ tools: TrustedTools.optional() }),
  output: z.object({ messages: TrustedMessages, tokens: z.number() }),
  record: ({ tools }) => (tools === undefined ? {} : { tools: tools.length }),
  recordOutput: ({ messages, tokens }) => ({ messages: messages.length, tokens }),
})

/** Messages of a history were marked as purged: they stay in the session and are not sent any more. */
export const ContextPurged = defineEvent('context.purged', {
  data: z.object({ messages: z.array(z.string()), tokens: z.number() }),
})

/** Messages of a history were summarized: `summary` is the id of the message that stands for them. */
export const ContextSummarized = defineEvent('context.summarized', {
  data: z.object({ messages: z.array(z.string()), summary: z.string() }),
})

/**
 * A part of the context could not be made and was left out, so that the turn goes on: `part` is `summary`, `purge`, or
 * the name of a context provider.
 */
export const ContextDegraded = defineEvent('context.degraded', {
  data: z.object({ part: z.string(), error: Failure }),
})
