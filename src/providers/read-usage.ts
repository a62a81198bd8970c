import type { TokenUsage } from '../messages/conversation.ts'
import { isRecord } from './is-record.ts'

/**
 * A server's usage in Busline's words; null when it tells no count. Parts that are negative or no number are
 * ignored, and a missing total is the sum. What was written to a cache, and audio, is there when it isn't 0.
 *
 * The parts come under the names of OpenAI (`prompt_tokens_details`, `completion_tokens_details`), OpenRouter
 * (`cache_write_tokens`), LiteLLM (`cache_creation_input_tokens`), DeepSeek (`prompt_cache_hit_tokens`) and
 * Moonshot (`cached_tokens`). Reasoning is a part of the output here, as with OpenAI: where a server counts it beside the
 * output (xAI, Gemini), which the total shows, it is added.
 */
export function readUsage(usage: unknown): TokenUsage | null {
  if (!isRecord(usage)) return null
  const input = first(usage['prompt_tokens']) ?? inputOf(usage)
  const output = first(usage['completion_tokens'], usage['output_tokens'])
  const total = first(usage['total_tokens'])
  if (input === undefined && output === undefined && total === undefined) return null

  const inputTokens = input ?? Math.max(0, (total ?? 0) - (output ?? 0))
  const outputTokens = output ?? Math.max(0, (total ?? 0) - inputTokens)
  const read: TokenUsage = { inputTokens, outputTokens, totalTokens: total ?? inputTokens + outputTokens }

  const sent = recordIn(usage['prompt_tokens_details'] ?? usage['input_tokens_details'])
  const answered = recordIn(usage['completion_tokens_details'] ?? usage['output_tokens_details'])
  const cached = first(
    sent['cached_tokens'],
    usage['prompt_cache_hit_tokens'],
    usage['cached_tokens'],
    usage['cache_read_input_tokens'],
  )
  const written = first(
    sent['cache_write_tokens'],
    sent['cache_creation_tokens'],
    usage['cache_creation_input_tokens'],
  )
  const reasoning = first(answered['reasoning_tokens'], usage['reasoning_tokens'])
  const heard = first(sent['audio_tokens'], usage['audio_prompt_tokens'])
  const spoken = first(answered['audio_tokens'], usage['audio_completion_tokens'])
  if (cached !== undefined) read.cachedTokens = cached
  if (reasoning !== undefined) read.reasoningTokens = reasoning
  if (reasoning !== undefined && total === inputTokens + outputTokens + reasoning)
    read.outputTokens += reasoning
  if (written) read.cacheWriteTokens = written
  if (heard) read.audioInputTokens = heard
  if (spoken) read.audioOutputTokens = spoken
  return read
}

/** Anthropic's `input_tokens`, which gateways pass on, leaves out what was read from a cache and written to it. */
function inputOf(usage: Record<string, unknown>): number | undefined {
  const input = first(usage['input_tokens'])
  if (input === undefined) return undefined
  return (
    input +
    (first(usage['cache_read_input_tokens']) ?? 0) +
    (first(usage['cache_creation_input_tokens']) ?? 0)
  )
}

function recordIn(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {}
}

function first(...candidates: unknown[]): number | undefined {
  for (const candidate of candidates) {
    if (typeof candidate === 'number' && Number.isFinite(candidate) && candidate >= 0) return candidate
  }
  return undefined
}
