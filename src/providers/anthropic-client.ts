import type { Anthropic } from '@anthropic-ai/sdk'
import { BuslineError } from '../messages/busline-error.ts'
import { anthropicError } from './anthropic-error.ts'
import type { Hide } from './hide-secrets.ts'
import { httpSend } from './http-send.ts'
import { networkError } from './network-error.ts'
import { proxyFetch } from './proxy-fetch.ts'
import { answerOfResponse, type RawAnswer } from './raw-answer.ts'
import { readErrorBody } from './read-error-body.ts'
import { redirectError } from './redirect-error.ts'
import { retryAfterOf } from './retry-after.ts'

/** Where messages are asked for. */
export interface AnthropicEndpoint {
  url: URL
  /** How errors name it. */
  where: string
}

/** The package as far as it is used, and the JSON Schema transformation that comes with it. */
export interface AnthropicPackage {
  Anthropic: typeof Anthropic
  transformJSONSchema: (schema: Record<string, unknown>) => Record<string, unknown>
}

/** What belongs to one request beside its body. */
export interface AnthropicPost {
  apiKey: string | undefined
  /** Those that the request needs, beside those of every request. */
  betas: readonly string[]
  signal: AbortSignal
  hide: Hide
}

export interface AnthropicClient {
  /** Posts a body of JSON; resolves to the beginning of a success, rejects with a coded error. */
  post(body: string, options: AnthropicPost): Promise<RawAnswer>
  strictSchema: AnthropicPackage['transformJSONSchema']
}

/**
 * The endpoint of a base URL (default `https://api.anthropic.com`), with or without `/v1`; a query is kept.
 *
 * @throws BuslineError `INVALID_OPTION` for one that is no http(s) URL, or that holds a user or password
 */
export function anthropicEndpoint(baseURL: string | undefined): AnthropicEndpoint {
  const given = baseURL || 'https://api.anthropic.com'
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username || url.password) {
    throw new BuslineError(
      'INVALID_OPTION',
      'baseURL must be an http:// or https:// URL without a user, like http://localhost:8000. A key goes into apiKey.',
    )
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}/v1/messages`
  return { url, where: `${url.origin}${url.pathname}` }
}

/**
 * Makes the client of an endpoint. The package, an optional peer, is imported here, so only when a model is first called. It
 * builds the head of the requests, once, and brings the transformation of schemas; it gets no say in retries, timeouts,
 * logging, tracing, environment, credentials on disk, or what else goes into the headers.
 *
 * @throws BuslineError `MODEL_UNAVAILABLE` when the package is not installed
 */
export async function anthropicClient(
  { url, where }: AnthropicEndpoint,
  { version, betas }: { version: string; betas: readonly string[] },
  load: () => Promise<AnthropicPackage> = loadPackage,
): Promise<AnthropicClient> {
  const [loaded, proxy] = await Promise.all([load().catch(missing), proxyFetch(url)])
  const client = new loaded.Anthropic({
    // Each of these, left out, would be read from ANTHROPIC_… or from a file of the user's.
    apiKey: 'is set with each request',
    webhookKey: null,
    baseURL: url.origin,
    logLevel: 'off',
    openTelemetry: false,
  })
  const { req } = await client.buildRequest({ method: 'post', path: '/v1/messages', body: {} })
  // Only what the request needs: no ANTHROPIC_CUSTOM_HEADERS meant for another server, nothing about this machine.
  const head = {
    accept: 'text/event-stream, application/json',
    'content-type': 'application/json',
    'user-agent': new Headers(req.headers).get('user-agent') ?? 'busline',
    'anthropic-version': version,
  }

  return {
    strictSchema: loaded.transformJSONSchema,
    async post(body, { apiKey, betas: needed, signal, hide }) {
      const wanted = [...new Set([...betas, ...needed])]
      const headers = {
        ...head,
        ...(wanted.length > 0 && { 'anthropic-beta': wanted.join(',') }),
        ...(apiKey !== undefined && { 'x-api-key': apiKey }),
      }
      const sending = proxy
        ? proxy
            .fetch(url, { method: 'POST', redirect: 'manual', headers, body, signal })
            .then(answerOfResponse)
        : httpSend(url, { headers, body, signal }, 0)
      const answer = await sending.catch((error: unknown) => {
        throw signal.aborted ? error : networkError(error, where, proxy?.via)
      })
      if (answer.status >= 200 && answer.status < 300) return answer
      throw await failureOf(answer, where, hide)
    },
  }
}

function missing(error: unknown): never {
  throw new BuslineError(
    'MODEL_UNAVAILABLE',
    "Anthropic's package, an optional peer dependency, can't be loaded. Run npm install @anthropic-ai/sdk.",
    { cause: error },
  )
}

async function loadPackage(): Promise<AnthropicPackage> {
  const [sdk, { transformJSONSchema }] = await Promise.all([
    import('@anthropic-ai/sdk'),
    import('@anthropic-ai/sdk/lib/transform-json-schema'),
  ])
  return { Anthropic: sdk.Anthropic, transformJSONSchema }
}

async function failureOf(answer: RawAnswer, where: string, hide: Hide): Promise<BuslineError> {
  const { status, headers } = answer
  const location = headers.get('location')
  const moved = redirectError({ status, where, location, hide })
  if (moved) {
    answer.cancel()
    return moved
  }
  const text = await readErrorBody(answer)
  return anthropicError(parsed(text), {
    where,
    status,
    retryAfter: retryAfterOf(headers),
    requestId: headers.get('request-id') ?? undefined,
    hide,
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}
