import type { TokenUsage } from '../messages/conversation.ts'
import { isRecord } from './is-record.ts'

/**
 * A server's usage in Busline's words; null when it tells no count. Parts that are negative or no number are
 * ignored, and a missing total is the sum.
 */
export function readUsage(usage: unknown): TokenUsage | null {
  if (!isRecord(usage)) return null
  const input = first(usage['prompt_tokens'], usage['input_tokens'])
  const output = first(usage['completion_tokens'], usage['output_tokens'])
  const total = first(usage['total_tokens'])
  if (input === undefined && output === undefined && total === undefined) return null

  const inputTokens = input ?? Math.max(0, (total ?? 0) - (output ?? 0))
  const outputTokens = output ?? Math.max(0, (total ?? 0) - inputTokens)
  const cached = first(
    detail(usage['prompt_tokens_details'] ?? usage['input_tokens_details'], 'cached_tokens'),
    usage['prompt_cache_hit_tokens'],
    usage['cached_tokens'],
  )
  const reasoning = first(
    detail(usage['completion_tokens_details'] ?? usage['output_tokens_details'], 'reasoning_tokens'),
    usage['reasoning_tokens'],
  )
  return {
    inputTokens,
    outputTokens,
    totalTokens: total ?? inputTokens + outputTokens,
    ...(cached !== undefined && { cachedTokens: cached }),
    ...(reasoning !== undefined && { reasoningTokens: reasoning }),
  }
}

function detail(details: unknown, name: string): unknown {
  return isRecord(details) ? details[name] : undefined
}

function first(...candidates: unknown[]): number | undefined {
  for (const candidate of candidates) {
    if (typeof candidate === 'number' && Number.isFinite(candidate) && candidate >= 0) return candidate
  }
  return undefined
}
