import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { urlToHttpOptions } from 'node:url'
import { answerOfIncoming, type RawAnswer } from './raw-answer.ts'

/** A request that is ready to go. */
export interface OutgoingRequest {
  headers: Record<string, string>
  body: string | Uint8Array
  signal: AbortSignal | undefined
  /** Is given, at once, the function that ends the request and its connection: cheaper than a signal by a tenth of a call. */
  onSent?: ((abort: () => void) => void) | undefined
}

/** Posts a request; resolves when the answer begins. */
export type HttpSender = (request: OutgoingRequest) => Promise<RawAnswer>

/** How long a server may be silent, in milliseconds. Long, because one that is asked for a plain body says nothing while it thinks. */
export const SILENCE_MS = 600_000

/**
 * Posts to a URL with node:http. Node's fetch takes two to three times as long for the same small request, and gives up after
 * five minutes of silence. Redirects are not followed: a post would become a get.
 *
 * @param silenceMs gives up after so many milliseconds without a byte; 0 leaves that to the caller
 */
export function httpSender(url: URL, silenceMs: number = SILENCE_MS): HttpSender {
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  const place = { ...urlToHttpOptions(url), method: 'POST' }
  return ({ headers, body, signal, onSent }) =>
    new Promise((resolve, reject) => {
      const request = send({ ...place, headers, ...(signal && { signal }) })
      if (silenceMs > 0) request.setTimeout(silenceMs, () => request.destroy(new SilentServer()))
      request.on('response', (incoming) => resolve(answerOfIncoming(incoming)))
      // Stays on for the time after the answer has begun, when there is nobody left to tell.
      request.on('error', reject)
      onSent?.(() => request.destroy())
      request.end(body)
    })
}

/** The same, for one request. */
export function httpSend(
  url: URL,
  request: OutgoingRequest,
  silenceMs: number = SILENCE_MS,
): Promise<RawAnswer> {
  return httpSender(url, silenceMs)(request)
}

class SilentServer extends Error {
  readonly code = 'ERR_SILENT_SERVER'

  constructor() {
    super('The server was silent for ten minutes.')
  }
}
