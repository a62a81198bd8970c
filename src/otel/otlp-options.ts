import { BuslineError } from '../messages/busline-error.ts'

export interface OtlpOptions {
  /** Where spans are sent. A server without a path (`http://localhost:4318`) gets `/v1/traces`. */
  url: string
  /** Sent with every request, for keys. */
  headers?: Readonly<Record<string, string>>
  /** `http/json` (default) needs no further package, `http/protobuf` needs `@opentelemetry/otlp-transformer`. */
  protocol?: 'http/json' | 'http/protobuf'
  /** Default `gzip`. */
  compression?: 'gzip' | 'none'
  /** Milliseconds that one request may take, default 10 000. */
  timeout?: number
  /** Milliseconds within which a request that may be tried again is, default 30 000. */
  retryFor?: number
  /** Told before each wait for another attempt. */
  onRetry?: (retry: OtlpRetry) => void
}

/** Why a request is tried again, and after how many milliseconds. */
export interface OtlpRetry {
  readonly why: string
  readonly wait: number
}

/** RFC 9110, 5.1. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** @throws BuslineError `INVALID_OPTION`, naming the option */
export function checkOtlpOptions(options: OtlpOptions): Required<OtlpOptions> {
  const {
    headers = {},
    protocol = 'http/json',
    compression = 'gzip',
    timeout = 10_000,
    retryFor = 30_000,
    onRetry = () => undefined,
  } = options
  const url = checkUrl(options.url)
  if (protocol !== 'http/json' && protocol !== 'http/protobuf')
    throw invalid('protocol', 'must be http/json or http/protobuf')
  if (compression !== 'gzip' && compression !== 'none') throw invalid('compression', 'must be gzip or none')
  if (!(Number.isFinite(timeout) && timeout > 0)) throw invalid('timeout', 'must be milliseconds above 0')
  if (!(Number.isFinite(retryFor) && retryFor >= 0))
    throw invalid('retryFor', 'must be milliseconds, 0 or more')
  if (typeof onRetry !== 'function') throw invalid('onRetry', 'must be a function')
  for (const [name, value] of Object.entries(headers)) {
    // Either may be a key: `authorization: Basic abc=` in the place of `authorization=Basic abc=` makes a name of one.
    if (!HEADER_NAME.test(name)) throw invalid('headers', 'has a name that HTTP does not allow')
    try {
      void new Headers({ [name]: value })
    } catch {
      throw invalid('headers', `has a value that HTTP does not allow: that of ${name}`)
    }
  }
  return { url, headers, protocol, compression, timeout, retryFor, onRetry }
}

function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw invalid('url', 'must be an http or https URL, such as http://localhost:4318')
  if (url.username !== '' || url.password !== '')
    throw invalid('url', 'must hold no name and no password; send them as a header')
  if (url.pathname === '/') url.pathname = '/v1/traces'
  return url.href
}

function invalid(option: string, problem: string): BuslineError {
  return new BuslineError('INVALID_OPTION', `${option} ${problem}.`, { data: { option } })
}
