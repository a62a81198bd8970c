import { createHash } from 'node:crypto'
import * as z from 'zod'
import { ConversationMessage, idsOf, TokenUsage, TrustedMessages } from './conversation.ts'
import { defineCommand } from './define-command.ts'
import { defineEvent, TextDelta } from './define-event.ts'
import { Failure } from './failure.ts'
import { ToolDescription } from './tool.ts'

/** A request to a model. `model: null` leaves the choice to the provider. */
export const ModelRequest = z.object({
  model: z.string().nullable(),
  messages: TrustedMessages,
  tools: z.array(ToolDescription),
  toolChoice: z.union([z.enum(['auto', 'none', 'required']), z.object({ name: z.string() })]).optional(),
  temperature: z.number().optional(),
  maxTokens: z.number().optional(),
})
export type ModelRequest = z.output<typeof ModelRequest>

/** A model's answer; `finishReason` and `model` as the server sent them, null where it told none. */
export const ModelAnswer = z.object({
  message: ConversationMessage,
  finishReason: z.string().nullable(),
  usage: TokenUsage.nullable(),
  model: z.string().nullable(),
})
export type ModelAnswer = z.output<typeof ModelAnswer>

/**
 * Asks a model. The journal holds the ids of the messages, the names of the tools and a hash of the expanded
 * request, so that a long history is not written again with each call.
 */
export const CallModel = defineCommand('model.call', {
  input: ModelRequest,
  output: ModelAnswer,
  effect: true,
  record: ({ messages, tools, ...rest }, redact) => ({
    ...rest,
    messages: idsOf(messages),
    hash: hashOf(redact(JSON.stringify({ messages, tools }))),
    tools: tools.map((tool) => tool.name),
  }),
})

/** A piece of the answer's text arrived. */
export const ModelTextReceived = defineEvent('model.textReceived', { data: TextDelta, stream: true })

/** A piece of the model's reasoning arrived. */
export const ModelReasoningReceived = defineEvent('model.reasoningReceived', {
  data: TextDelta,
  stream: true,
})

/** The model began to call a tool; its arguments are still arriving. */
export const ModelToolCallStarted = defineEvent('model.toolCallStarted', {
  data: z.object({ call: z.string(), name: z.string() }),
})

/** One attempt of a model call failed and another follows after `retryIn` milliseconds. */
export const ModelAttemptFailed = defineEvent('model.attemptFailed', {
  data: z.object({ attempt: z.number(), retryIn: z.number(), error: Failure }),
})

function hashOf(request: string): string {
  return `sha256-${createHash('sha256').update(request).digest('hex')}`
}
