import { BuslineError } from '../messages/busline-error.ts'
import type { Endpoint } from './endpoint.ts'
import { httpSend, type OutgoingRequest } from './http-send.ts'
import { networkError } from './network-error.ts'
import { httpError } from './provider-error.ts'
import { proxyFetch } from './proxy-fetch.ts'
import { answerOfResponse, type RawAnswer } from './raw-answer.ts'
import { readText } from './read-text.ts'
import { retryAfterOf } from './retry-after.ts'

/** Posts a body to the endpoint; resolves to the beginning of a success, rejects with a coded error. */
export type PostChat = (body: Record<string, unknown>, signal: AbortSignal) => Promise<RawAnswer>

/** Carries an answer through the client, whose Response has a slower body than the connection itself. */
class CarriedAnswer extends Response {
  readonly answer: RawAnswer

  constructor(answer: RawAnswer) {
    super(null, { status: answer.status })
    this.answer = answer
  }
}

/** Carries a failure through the client, which would keep only a part of what the server said. */
class CarriedFailure extends Error {
  readonly failure: BuslineError

  // The message is fixed: the client takes an error that speaks of time for its own timeout and drops it.
  constructor(failure: BuslineError) {
    super('The request failed.')
    this.failure = failure
  }
}

const ERROR_BODY = 64 * 1024
const DAY_MS = 86_400_000

/**
 * Makes the client of an endpoint. The openai package (20 MB) is imported here, so only when a model is first
 * called. It gets no say in retries, timeouts, logging, environment, or what goes into the headers.
 */
export async function chatClient(endpoint: Endpoint): Promise<PostChat> {
  const [{ OpenAI }, proxy] = await Promise.all([import('openai'), proxyFetch(endpoint.url)])
  const { url, where } = endpoint

  const send = (request: OutgoingRequest): Promise<RawAnswer> =>
    proxy
      ? proxy
          .fetch(url, { method: 'POST', redirect: 'manual', ...request, signal: request.signal ?? null })
          .then(answerOfResponse)
      : httpSend(url, request)
  const carry: typeof fetch = async (_input, init) => {
    const signal = init?.signal ?? undefined
    const body = typeof init?.body === 'string' ? init.body : ''
    const answer = await send({ headers: headersFor(endpoint, init), body, signal }).catch(
      (error: unknown) => {
        throw signal?.aborted ? error : new CarriedFailure(networkError(error, where, proxy?.via))
      },
    )
    if (answer.status >= 200 && answer.status < 300) return new CarriedAnswer(answer)
    throw new CarriedFailure(await failureOf(answer, where))
  }
  const client = new OpenAI({
    // Each of these, left out, would be read from OPENAI_… in the environment.
    apiKey: 'set by headersFor',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    baseURL: url.origin,
    logLevel: 'off',
    // Its own attempts would not be seen in the journal.
    maxRetries: 0,
    timeout: DAY_MS,
    fetch: carry,
  })

  return async (body, signal) => {
    try {
      const response = await client.post(url.href, { body, signal }).asResponse()
      if (response instanceof CarriedAnswer) return response.answer
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined
      if (cause instanceof CarriedFailure) throw cause.failure
      throw signal.aborted ? error : networkError(error, where, proxy?.via)
    }
    throw new BuslineError('PROVIDER_FAILED', 'The openai package did not use the fetch that it was given.')
  }
}

/** Only what the request needs: no OPENAI_CUSTOM_HEADERS meant for another server, nothing about this machine. */
function headersFor({ authorization }: Endpoint, init: RequestInit | undefined): Record<string, string> {
  const agent = new Headers(init?.headers).get('user-agent')
  return {
    accept: 'text/event-stream, application/json',
    'content-type': 'application/json',
    ...(agent !== null && { 'user-agent': agent }),
    ...(authorization !== undefined && { authorization }),
  }
}

async function failureOf(answer: RawAnswer, where: string): Promise<BuslineError> {
  const { status, headers } = answer
  // A connection that is lost in an error's body still leaves the status to tell.
  const body = await readText(answer.body, { limit: ERROR_BODY }).catch((error: unknown) => String(error))
  answer.cancel()
  return httpError({
    status,
    body,
    where,
    retryAfter: retryAfterOf(headers),
    location: headers.get('location'),
  })
}
