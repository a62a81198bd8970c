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
      const request = send({ ...place, headers })
      let isAnswered = false
      const end = (reason: unknown): void => {
        request.destroy(reason instanceof Error ? reason : undefined)
        // Not left to the request to tell: there are answers after which it tells nothing.
        reject(reason)
      }
      const abort = (): void => end(signal?.reason)
      if (silenceMs > 0) request.setTimeout(silenceMs, () => end(new SilentServer()))
      request.on('response', (incoming) => {
        // What Node makes of it without an `Upgrade` to say which.
        if (incoming.statusCode === 101) return end(new OtherProtocol())
        isAnswered = true
        resolve(answerOfIncoming(incoming))
      })
      // Without a listener Node closes the socket, and says nothing more.
      request.on('upgrade', (_incoming, socket) => {
        socket.destroy()
        reject(new OtherProtocol())
      })
      // Stays on for the time after the answer has begun, when there is nobody left to tell.
      request.on('error', reject)
      request.on('close', () => {
        signal?.removeEventListener('abort', abort)
        if (!isAnswered) reject(new ClosedEarly())
      })
      onSent?.(() => end(new ClosedEarly()))
      if (signal?.aborted) return abort()
      signal?.addEventListener('abort', abort, { once: true })
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

class ClosedEarly extends Error {
  readonly code = 'ERR_STREAM_PREMATURE_CLOSE'

  constructor() {
    super('The connection was closed before an answer.')
  }
}

class OtherProtocol extends Error {
  readonly code = 'ERR_OTHER_PROTOCOL'

  constructor() {
    super('The server switched to another protocol.')
  }
}

class SilentServer extends Error {
  readonly code = 'ERR_SILENT_SERVER'

  constructor() {
    super('The server was silent for ten minutes.')
  }
}
