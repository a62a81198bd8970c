import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { BuslineError } from '../messages/busline-error.ts'
import type { FinishedSpan } from './finished-span.ts'
import type { OtlpOptions } from './otlp-options.ts'
import { checkOtlpOptions } from './otlp-options.ts'
import { otlpEncoding, type OtlpAnswer } from './otlp-encoding.ts'

/** What became of the spans of one request. */
export interface SentSpans {
  /** How many the server took. */
  readonly accepted: number
  /** How many it refused although it took the request. */
  readonly rejected: number
  /** What it said about that, or a warning of its own. */
  readonly warning: string | undefined
}

const zip = promisify(gzip)

/** The statuses that OTLP/HTTP allows to try again; all others are final. */
const RETRYABLE = [429, 502, 503, 504]
/** What may pass: nobody listens yet, the network or the name server is away, the connection broke. All else is final. */
const PASSING = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]
const FIRST_WAIT = 500
/** How many times `Retry-After: 0` is taken at its word. */
const EAGER = 3
const LONGEST_WAIT = 10_000

/**
 * Sends batches to one server, one request at a time. A refused or broken connection, a timeout, 429, 502, 503 and 504 are
 * tried again with growing waits, or after what `Retry-After` says, for `retryFor` milliseconds in all (specification OTLP
 * 1.x, OTLP/HTTP). What does not pass by itself (a name or a port that is none, a certificate) is final.
 */
export class OtlpSender {
  #options: ReturnType<typeof checkOtlpOptions>
  #encoding: ReturnType<typeof otlpEncoding> | undefined

  /** @throws BuslineError `INVALID_OPTION` */
  constructor(options: OtlpOptions) {
    this.#options = checkOtlpOptions(options)
  }

  /** @throws BuslineError `EXPORT_FAILED`, with `data.status` when the server answered, or `CANCELLED` when `signal` aborts */
  async send(spans: readonly FinishedSpan[], signal?: AbortSignal): Promise<SentSpans> {
    const { compression, protocol, retryFor, onRetry } = this.#options
    this.#encoding ??= otlpEncoding(protocol)
    const encoding = await this.#encoding
    const plain = encoding.encode(spans)
    const body = compression === 'gzip' ? await zip(plain) : plain
    const until = performance.now() + retryFor

    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#post(body, encoding.contentType, signal)
      if ('answer' in outcome) return taken(spans.length, encoding.read(outcome.answer))
      if (signal?.aborted) throw cancelled()
      const growing = jittered(Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt))
      const { retryAfter: told } = outcome
      // A server that says "at once" again and again is not asked without pause.
      const wait = told === undefined || (told === 0 && attempt >= EAGER) ? growing : told
      if (!outcome.again || performance.now() + wait > until) throw this.#failed(outcome, spans.length)
      onRetry({ why: outcome.why, wait })
      await sleep(wait, undefined, { ...(signal && { signal }) }).catch(() => {
        throw cancelled()
      })
    }
  }

  async #post(body: Uint8Array<ArrayBuffer>, contentType: string, signal?: AbortSignal): Promise<Outcome> {
    const { url, headers, timeout, compression } = this.#options
    const limit = AbortSignal.timeout(timeout)
    // What the body is, is not for the caller to say, however the name is written.
    const sent = new Headers(headers)
    sent.set('content-type', contentType)
    if (compression === 'gzip') sent.set('content-encoding', 'gzip')
    else sent.delete('content-encoding')
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: sent,
        body,
        // A key in a header must not follow to another server.
        redirect: 'manual',
        signal: signal ? AbortSignal.any([limit, signal]) : limit,
      })
      const answer = new Uint8Array(await response.arrayBuffer())
      if (response.ok) return { answer }
      const again = RETRYABLE.includes(response.status)
      const { status } = response
      return { again, why: `it answered ${status}`, status, retryAfter: retryAfter(response.headers) }
    } catch (error) {
      const isLate = limit.aborted
      const { reason, code } = reasonOf(error)
      const why = isLate ? `it did not answer within ${timeout} ms` : reason
      return { again: isLate || PASSING.includes(code), why, status: undefined, retryAfter: undefined }
    }
  }

  #failed({ why, status }: Failure, spans: number): BuslineError {
    // Some services take their key in the query.
    const { origin, pathname } = new URL(this.#options.url)
    const url = origin + pathname
    const what = spans === 1 ? '1 span' : `${spans} spans`
    return new BuslineError('EXPORT_FAILED', `${what} could not be sent to ${url}: ${why}.`, {
      data: { url, spans, ...(status !== undefined && { status }) },
    })
  }
}

interface Failure {
  readonly again: boolean
  readonly why: string
  /** Undefined when there was no answer. */
  readonly status: number | undefined
  /** Milliseconds. */
  readonly retryAfter: number | undefined
}

type Outcome = { answer: Uint8Array } | Failure

function taken(count: number, { rejected, message }: OtlpAnswer): SentSpans {
  const refused = Math.min(count, Math.max(0, rejected))
  return { accepted: count - refused, rejected: refused, warning: message === '' ? undefined : message }
}

/** Seconds or a date (RFC 9110, 10.2.3), in milliseconds from now. */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after')
  if (value === null) return undefined
  const seconds = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined
}

/** Not all clients at the same moment. */
function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2)
}

/** Why fetch failed stands in the causes of its error. */
function reasonOf(error: unknown): { reason: string; code: string } {
  let inner = error
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause
  if (!(inner instanceof Error)) return { reason: String(inner), code: '' }
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : ''
  return { reason: inner.message === '' ? code : inner.message, code }
}

function cancelled(): BuslineError {
  return new BuslineError('CANCELLED', 'The sending of spans was cancelled.')
}
