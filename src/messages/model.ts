import * as z from 'zod'
import { ConversationMessage, idsOf, TokenUsage, TrustedMessages } from './conversation.ts'
import { defineCommand } from './define-command.ts'
import { defineEvent, TextDelta } from './define-event.ts'
import { Failure } from './failure.ts'
import { requestHash } from './request-hash.ts'
import { OfferedTool } from './tool.ts'

/** How a model is to answer. `extra` goes into the request's body as it is, for what only one server knows. */
export const Sampling = z.object({
  temperature: z.number().optional(),
  topP: z.number().optional(),
  /** Of the answer, reasoning included. */
  maxTokens: z.number().optional(),
  seed: z.number().optional(),
  stop: z.array(z.string()).optional(),
  presencePenalty: z.number().optional(),
  frequencyPenalty: z.number().optional(),
  /** `none`, `minimal`, `low`, `medium`, `high`, … as far as the model knows it. */
  reasoningEffort: z.string().optional(),
  parallelToolCalls: z.boolean().optional(),
  extra: z.record(z.string(), z.json()).optional(),
})
export type Sampling = z.output<typeof Sampling>

/** What an answer in words has to be: JSON that fits a JSON Schema. `name` is told to the model (default `output`). */
export const OutputSchema = z.object({
  name: z
    .string()
    .regex(/^[a-zA-Z0-9_-]{1,64}$/)
    .default('output'),
  schema: z.record(z.string(), z.unknown()),
})
export type OutputSchema = z.output<typeof OutputSchema>

/** A request to a model. `model: null` leaves the choice to the provider. */
export const ModelRequest = z.object({
  model: z.string().nullable(),
  messages: TrustedMessages,
  tools: z.array(OfferedTool),
  toolChoice: z.union([z.enum(['auto', 'none', 'required']), z.object({ name: z.string() })]).optional(),
  ...Sampling.shape,
  schema: OutputSchema.optional(),
})
export type ModelRequest = z.output<typeof ModelRequest>

/** What a server tells of its answer beside the answer: its ids, its time (epoch milliseconds), its version. */
export const ServerResponse = z.object({
  id: z.string().optional(),
  requestId: z.string().optional(),
  created: z.number().optional(),
  fingerprint: z.string().optional(),
  serviceTier: z.string().optional(),
})
export type ServerResponse = z.output<typeof ServerResponse>

/**
 * A model's answer; `finishReason` and `model` as the server sent them, null where it told none; a `usageMeter` names the
 * model by which it priced an answer that names none. `rawUsage` is what the
 * server said of the usage, `cost` US dollars (null: the price is not known), `output` the parsed value where the request
 * had a schema, `provider` and `response` who answered.
 */
export const ModelAnswer = z.object({
  message: ConversationMessage,
  finishReason: z.string().nullable(),
  usage: TokenUsage.nullable(),
  model: z.string().nullable(),
  rawUsage: z.unknown().optional(),
  cost: z.number().nullable().optional(),
  output: z.unknown().optional(),
  provider: z.string().optional(),
  response: ServerResponse.optional(),
})
export type ModelAnswer = z.output<typeof ModelAnswer>

/**
 * Asks a model once: one attempt, one command. The journal holds the ids of the messages, the names of the tools and a
 * hash of the expanded request, so that a long history is not written again with each call.
 */
export const CallModel = defineCommand('model.call', {
  input: ModelRequest,
  output: ModelAnswer,
  effect: true,
  record: ({ messages, tools, ...rest }, redact) => ({
    ...rest,
    messages: idsOf(messages),
    hash: requestHash(messages, tools, redact),
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

/**
 * One attempt at an answer failed and another follows after `retryIn` milliseconds, with `model`. `call` is the id of the
 * `model.call` that failed, `text` what had been heard of its answer.
 */
export const ModelAttemptFailed = defineEvent('model.attemptFailed', {
  data: z.object({
    attempt: z.number(),
    retryIn: z.number(),
    error: Failure,
    call: z.string().optional(),
    model: z.string().nullable().optional(),
    text: z.string().optional(),
  }),
})

/** What was heard of the answer to `call` does not count any more: another attempt begins, and a screen may retract it. */
export const ModelAnswerSuperseded = defineEvent('model.answerSuperseded', {
  data: z.object({ call: z.string(), text: z.string() }),
})

/** A model did not answer, and another one is asked. */
export const ModelRouted = defineEvent('model.routed', {
  data: z.object({ from: z.string().nullable(), to: z.string(), error: Failure }),
})

/** A model has not answered yet after `waited` milliseconds; told again each time as long has passed. */
export const ModelAnswerDelayed = defineEvent('model.answerDelayed', {
  data: z.object({ waited: z.number(), model: z.string().nullable() }),
})
