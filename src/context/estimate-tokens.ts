import { imagesOf, type ImagePart } from '../messages/content-part.ts'
import { textOf, type ConversationMessage } from '../messages/conversation.ts'
import { remembering } from '../messages/settled.ts'
import type { ToolDescription } from '../messages/tool.ts'

/** The framing of one chat message: role and separators (OpenAI's cookbook counts 3 to 4). */
const PER_MESSAGE = 4
/** The framing of one tool. */
const PER_TOOL = 8
const BYTES_PER_TOKEN = 4
/** What a part that is neither text nor an image (audio, a file) is taken to cost. */
const PER_OTHER_PART = 800
/** An image of a size that is not known: behind a URL. */
const PER_IMAGE = 800
/**
 * A token for each 750 pixels, at most about 1 600: https://docs.anthropic.com/en/docs/build-with-claude/vision. OpenAI's
 * rules for tiles come to less for large images (765 for 1024 by 1024), to more for small ones (255 at least).
 */
const PIXELS_PER_TOKEN = 750
const MOST_PER_IMAGE = 1600
const LEAST_PER_IMAGE = 85

/**
 * Estimates the tokens of a message: a token for each 4 bytes of UTF-8, 4 for the framing, and those of images by their size.
 * `src/tokens/README.md` states the margin measured on recorded requests of 14 kinds of server. Pass a real tokenizer
 * as `countTokens` where a budget is tight.
 */
export function estimateTokens(message: ConversationMessage): number {
  const calls = message.tool_calls?.map((call) => call.function.name + call.function.arguments).join('') ?? ''
  const bytes = Buffer.byteLength(textOf(message)) + Buffer.byteLength(calls)
  const images = imagesOf(message).reduce((sum, image) => sum + imageTokens(image), 0)
  return PER_MESSAGE + Math.ceil(bytes / BYTES_PER_TOKEN) + images + othersOf(message) * PER_OTHER_PART
}

/** Estimates the tokens of tool definitions: a token for each 4 bytes of their JSON, and 8 a tool for the framing. */
export function estimateToolTokens(tools: readonly ToolDescription[]): number {
  return tools.reduce((sum, tool) => sum + toolTokens(tool), 0)
}

const toolTokens = remembering(({ name, description, parameters }: ToolDescription) => {
  const bytes = Buffer.byteLength(JSON.stringify({ name, description, parameters }))
  return PER_TOOL + Math.ceil(bytes / BYTES_PER_TOKEN)
})

function imageTokens({ width, height, detail }: ImagePart): number {
  if (detail === 'low') return LEAST_PER_IMAGE
  if (width === undefined || height === undefined) return PER_IMAGE
  const tokens = Math.ceil((width * height) / PIXELS_PER_TOKEN)
  return Math.min(MOST_PER_IMAGE, Math.max(LEAST_PER_IMAGE, tokens))
}

function othersOf({ content }: ConversationMessage): number {
  if (!Array.isArray(content)) return 0
  return content.filter(({ type }) => type !== 'text' && type !== 'image_url').length
}
