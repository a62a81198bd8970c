import type { ServerResponse } from '../messages/model.ts'

/** The headers in which servers name a request, for their support to find it: the first that is there counts. */
const HEADERS = [
  'x-request-id', // OpenAI, Azure, Groq, Fireworks, Perplexity
  'request-id', // Anthropic
  'x-ms-request-id',
  'apim-request-id', // Azure's gateway
  'x-amzn-requestid', // Bedrock
  'x-generation-id', // OpenRouter
  'mistral-correlation-id',
]

/** The id that a server gave a request, undefined when it told none. */
export function requestIdOf(headers: Pick<Headers, 'get'>): string | undefined {
  for (const name of HEADERS) {
    const id = headers.get(name)
    if (id !== null && id !== '') return id
  }
  return undefined
}

/**
 * Notes what a chunk or a body tells of the answer beside the answer. `created` comes in seconds; the last tier counts, as
 * a request for any is told which one it was.
 */
export function noteResponse(response: ServerResponse, chunk: Record<string, unknown>): void {
  const { id, created, system_fingerprint: fingerprint, service_tier: tier } = chunk
  if (response.id === undefined && typeof id === 'string' && id !== '') response.id = id
  if (response.created === undefined && typeof created === 'number' && created > 0) {
    response.created = Math.round(created * 1000)
  }
  if (typeof fingerprint === 'string' && fingerprint !== '') response.fingerprint = fingerprint
  if (typeof tier === 'string' && tier !== '') response.serviceTier = tier
}
