import { modelTraits } from './anthropic-models.ts'
import { isRecord } from './is-record.ts'

/** The beta that knows `thinking.block_binding`. */
const BETA = 'thinking-binding-controls-2026-08-01'

/**
 * The same body, with the wish that thinking whose beginning has changed is left out instead of refused. From Claude Fable
 * 5.1 on a thinking block is bound to `system`, `tools` and the messages before it; with a tool that appears in the middle
 * of a loop, the step without tools that ends it, or a system prompt with the time of day, a loop would end in a 400. What
 * an `extra` says of `block_binding` stays as it is.
 * https://platform.claude.com/docs/build-with-claude/preserved-thinking
 */
export function droppingUnbound(body: Record<string, unknown>): Record<string, unknown> {
  const { model, messages, thinking = { type: 'adaptive' } } = body
  if (typeof model !== 'string' || !modelTraits(model).bindsThinking || !holdsThinking(messages)) return body
  // The only kind of thinking with these models that can say so; it is theirs when nothing is said.
  if (!isRecord(thinking) || thinking['type'] !== 'adaptive' || 'block_binding' in thinking) return body
  return { ...body, thinking: { ...thinking, block_binding: { prefix_mismatch_behavior: 'drop_block' } } }
}

/** The betas that a body needs. */
export function betasOf({ thinking }: Record<string, unknown>): string[] {
  return isRecord(thinking) && 'block_binding' in thinking ? [BETA] : []
}

function holdsThinking(messages: unknown): boolean {
  const contents = Array.isArray(messages) ? messages.filter(isRecord).map(({ content }) => content) : []
  return contents.some((content) => Array.isArray(content) && content.filter(isRecord).some(isThinking))
}

function isThinking({ type }: Record<string, unknown>): boolean {
  return type === 'thinking' || type === 'redacted_thinking'
}
