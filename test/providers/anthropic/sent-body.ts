import type { ModelRequest } from 'busline'
import { anthropicRequest, type AnthropicRequestOptions } from '../../../src/providers/anthropic-request.ts'

/** What is sent for a request, by a provider with few options. */
export function sentBody(
  request: Partial<ModelRequest> = {},
  options: Partial<AnthropicRequestOptions> = {},
): Record<string, unknown> {
  return anthropicRequest(
    { model: 'claude-opus-5', messages: [{ role: 'user', content: 'hi' }], tools: [], ...request },
    {
      model: undefined,
      stream: false,
      maxTokens: 1000,
      version: '2026-10-21',
      cache: false,
      keepThinking: false,
      strictSchema: (schema) => ({ ...schema, strict: true }),
      ...options,
    },
  )
}
