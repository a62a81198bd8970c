import { textOf, type ConversationMessage } from '../messages/conversation.ts'

/** The framing of one chat message: role and separators (OpenAI's cookbook counts 3 to 4). */
const PER_MESSAGE = 4
/** What a part that is not text (an image, a file) is taken to cost at least. */
const PER_MEDIA_PART = 800

/**
 * Estimates the tokens of a message from its UTF-8 length: a token for each 4 bytes, and 4 for the framing. For English
 * prose and JSON that is within about 20 % of OpenAI's tokenizers, and above them for most other languages. Pass
 * a real tokenizer as `countTokens` where a budget is tight.
 */
export function estimateTokens(message: ConversationMessage): number {
  const calls = message.tool_calls?.map((call) => call.function.name + call.function.arguments).join('') ?? ''
  const media = Array.isArray(message.content)
    ? message.content.filter((part) => part.type !== 'text').length
    : 0
  const bytes = Buffer.byteLength(textOf(message)) + Buffer.byteLength(calls)
  return PER_MESSAGE + Math.ceil(bytes / 4) + media * PER_MEDIA_PART
}
