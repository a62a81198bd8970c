import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { answerOfIncoming, type RawAnswer } from './raw-answer.ts'

/** A request that is ready to go. */
export interface OutgoingRequest {
  headers: Record<string, string>
  body: string
  signal: AbortSignal | undefined
}

/** How long a server may be silent, in milliseconds. Long, because one that is asked for a plain body says nothing while it thinks. */
export const SILENCE_MS = 600_000

/**
 * Posts with node:http. Node's fetch takes two to three times as long for the same small request, and gives up after
 * five minutes of silence. Redirects are not followed: a post would become a get.
 */
export function httpSend(
  url: URL,
  { headers, body, signal }: OutgoingRequest,
  silenceMs: number = SILENCE_MS,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp
    const request = send(url, { method: 'POST', headers, ...(signal && { signal }) })
    request.setTimeout(silenceMs, () => request.destroy(new SilentServer()))
    request.on('response', (incoming) => resolve(answerOfIncoming(incoming)))
    // Stays on for the time after the answer has begun, when there is nobody left to tell.
    request.on('error', reject)
    request.end(body)
  })
}

class SilentServer extends Error {
  readonly code = 'ERR_SILENT_SERVER'

  constructor() {
    super('The server was silent for ten minutes.')
  }
}
