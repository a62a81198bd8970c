import * as z from 'zod'
import { checkedOnce } from './checked-once.ts'

/** A tool call as the model made it; `arguments` is the raw string as received. */
export const ToolCallPart = z.looseObject({
  id: z.string(),
  type: z.literal('function').default('function'),
  function: z.looseObject({ name: z.string(), arguments: z.string() }),
})
export type ToolCallPart = z.output<typeof ToolCallPart>

/** Tokens of one model call, or of several summed. Cached, written to a cache, reasoning and audio are parts of the others. */
export const TokenUsage = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  totalTokens: z.number(),
  cachedTokens: z.number().optional(),
  cacheWriteTokens: z.number().optional(),
  reasoningTokens: z.number().optional(),
  audioInputTokens: z.number().optional(),
  audioOutputTokens: z.number().optional(),
})
export type TokenUsage = z.output<typeof TokenUsage>

/** The usage of a turn: that of all its model calls, summed; `calls` counts those that told theirs. */
export const TurnUsage = TokenUsage.extend({ calls: z.number() })
export type TurnUsage = z.output<typeof TurnUsage>

/**
 * What is known of a message beside what models see; no server is sent it. `pinned` messages are never purged,
 * `notNeeded` ones first; `archived` and `purged` ones are kept and not sent. `partial` marks the text of an answer that
 * broke off. `usage` and `cost` (US dollars, null when unknown) are what the step that ended with this message took.
 */
export const MessageMeta = z.looseObject({
  time: z.number().optional(),
  kind: z.string().optional(),
  tags: z.array(z.string()).optional(),
  custom: z.record(z.string(), z.json()).optional(),
  pinned: z.boolean().optional(),
  notNeeded: z.boolean().optional(),
  archived: z.boolean().optional(),
  purged: z.boolean().optional(),
  partial: z.boolean().optional(),
  model: z.string().optional(),
  finishReason: z.string().optional(),
  usage: TurnUsage.optional(),
  cost: z.number().nullable().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
})
export type MessageMeta = z.output<typeof MessageMeta>

/**
 * A message of a conversation: the OpenAI chat message plus `id`, `turn` and `meta`. Fields that a server adds
 * (reasoning, annotations) are kept.
 */
export const ConversationMessage = z.looseObject({
  id: z.string().optional(),
  turn: z.string().optional(),
  meta: MessageMeta.optional(),
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.null(), z.array(z.looseObject({ type: z.string() }))]).optional(),
  tool_calls: z.array(ToolCallPart).optional(),
  tool_call_id: z.string().optional(),
})
export type ConversationMessage = z.output<typeof ConversationMessage>

/** A message for a history: checked once, because from then on it is sent with every step. */
export const HistoryMessage = checkedOnce(ConversationMessage)

/**
 * Messages that a store has checked already: trusted inside, so that a step's cost does not grow by validating
 * the whole history again.
 */
export const TrustedMessages = z.custom<ConversationMessage[]>(
  (value) => Array.isArray(value),
  'expected an array of messages',
)

/** The text of a message: its string content, or the text parts of an array content joined. */
export function textOf(message: ConversationMessage): string {
  if (typeof message.content === 'string') return message.content
  if (!message.content) return ''
  return message.content
    .map((part) => (part.type === 'text' && typeof part['text'] === 'string' ? part['text'] : ''))
    .join('')
}

/** The ids of messages, in order: how the journal refers to a history that it holds already. */
export function idsOf(messages: readonly ConversationMessage[]): (string | null)[] {
  return messages.map((message) => message.id ?? null)
}

/**
 * Gives messages the ids and the turn that they lack, from the command that brings them: the same wherever it is
 * worked out, so that who stores them and who mirrors them agree.
 */
export function identified(
  messages: readonly ConversationMessage[],
  command: { id: string; turn: string | undefined },
): ConversationMessage[] {
  const { id, turn } = command
  return messages.map((message, index) => {
    const lacksTurn = message.turn === undefined && turn !== undefined
    if (message.id !== undefined && !lacksTurn) return message
    return HistoryMessage.parse({
      ...message,
      id: message.id ?? `${id}/${index}`,
      ...(lacksTurn && { turn }),
    })
  })
}
