import type { BuslineError } from '../messages/busline-error.ts'
import type { Credentials, Endpoint } from './endpoint.ts'
import { secretHider } from './hide-secrets.ts'
import { httpSender, type HttpSender } from './http-send.ts'
import { networkError } from './network-error.ts'
import { httpError } from './provider-error.ts'
import { proxyFetch, type ProxyFetch } from './proxy-fetch.ts'
import { answerOfResponse, type RawAnswer } from './raw-answer.ts'
import { readErrorBody } from './read-error-body.ts'
import { retryAfterOf } from './retry-after.ts'

/**
 * Posts a body of JSON to the endpoint; resolves to the beginning of a success, rejects with a coded error. `onSent` gets, at
 * once, what ends it.
 */
export type PostChat = (
  body: Uint8Array,
  options: { credentials: Credentials; onSent: (abort: () => void) => void },
) => Promise<RawAnswer>

/**
 * Makes the client of an endpoint. The openai package (20 MB) is imported here, so only when a model is first called. It
 * builds the head of the requests, once: the same for each of them, and building it takes longer than sending. It gets no
 * say in retries, timeouts, logging, environment, or what else goes into the headers.
 */
export async function chatClient({ url, where }: Endpoint): Promise<PostChat> {
  const [{ OpenAI }, proxy] = await Promise.all([import('openai'), proxyFetch(url)])
  const client = new OpenAI({
    // Each of these, left out, would be read from OPENAI_… in the environment.
    apiKey: 'is set with each request',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    baseURL: url.origin,
    logLevel: 'off',
  })
  const { req } = await client.buildRequest({ method: 'post', path: url.href, body: {} })
  const agent = new Headers(req.headers).get('user-agent')
  // Only what the request needs: no OPENAI_CUSTOM_HEADERS meant for another server, nothing about this machine.
  const head = {
    accept: 'text/event-stream, application/json',
    'content-type': 'application/json',
    ...(agent !== null && { 'user-agent': agent }),
  }

  const send = proxy ? senderOf(proxy.fetch, url) : httpSender(url, 0)

  return async function post(body, { credentials, onSent }) {
    const headers = { ...head, ...credentials.headers }
    const answer = await send({ headers, body, signal: undefined, onSent }).catch((error: unknown) => {
      throw networkError(error, where, proxy?.via)
    })
    if (answer.status >= 200 && answer.status < 300) return answer
    throw await failureOf(answer, where, credentials.secrets)
  }
}

function senderOf(fetch: ProxyFetch['fetch'], url: URL): HttpSender {
  return async ({ headers, body, onSent }) => {
    const aborter = new AbortController()
    onSent?.(() => aborter.abort())
    const { signal } = aborter
    const response = await fetch(url, { method: 'POST', redirect: 'manual', headers, body, signal })
    // A body that is being read can't be cancelled; its request can.
    return { ...answerOfResponse(response), cancel: () => aborter.abort() }
  }
}

async function failureOf(
  answer: RawAnswer,
  where: string,
  secrets: readonly string[],
): Promise<BuslineError> {
  const { status, headers } = answer
  return httpError({
    status,
    body: await readErrorBody(answer),
    where,
    retryAfter: retryAfterOf(headers),
    location: headers.get('location'),
    hide: secretHider(secrets),
  })
}
