import type { TokenUsage } from '../messages/conversation.ts'
import { isRecord } from './is-record.ts'

/**
 * Anthropic's usage in Busline's words; null when it tells no count. `input_tokens` leaves out what was read from the
 * cache and written to it; here they are parts of `inputTokens`, as with other servers.
 */
export function anthropicUsage(usage: unknown): TokenUsage | null {
  if (!isRecord(usage)) return null
  const input = count(usage['input_tokens'])
  const output = count(usage['output_tokens'])
  if (input === undefined && output === undefined) return null

  const cached = count(usage['cache_read_input_tokens'])
  const written = count(usage['cache_creation_input_tokens'])
  const details = usage['output_tokens_details']
  const reasoning = isRecord(details) ? count(details['thinking_tokens']) : undefined
  const inputTokens = (input ?? 0) + (cached ?? 0) + (written ?? 0)
  const outputTokens = output ?? 0
  return {
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    ...(cached !== undefined && { cachedTokens: cached }),
    ...(written !== undefined && { cacheWriteTokens: written }),
    ...(reasoning !== undefined && { reasoningTokens: reasoning }),
  }
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}
