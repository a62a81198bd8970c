import { BuslineError } from './busline-error.ts'

/**
 * Below 500, what the clients of OpenAI and Anthropic try again too: 408, 409 (a lock was not had in time) and 429; 425 says
 * so by its name (RFC 8470). Above, everything but 501, which says that it will never work; 529 is Anthropic's "overloaded".
 * https://github.com/openai/openai-node/blob/master/src/client.ts, `shouldRetry`; the same in anthropic-sdk-typescript.
 */
const STATUSES: ReadonlySet<number> = new Set([408, 409, 425, 429])

/** A connection that was lost on the way. One that is refused, or a host that does not exist, somebody has to set right. */
const LOST: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
])

/**
 * What servers call it in an answer that began well, where no status tells: OpenAI's `server_error`, Anthropic's `api_error`
 * and `overloaded_error` (https://docs.anthropic.com/en/api/errors).
 */
const NAMES: ReadonlySet<string> = new Set([
  'api_error',
  'overloaded_error',
  'rate_limit_error',
  'rate_limit_exceeded',
  'server_error',
  'timeout_error',
])

/**
 * Whether the failure of a model call may pass, so that another attempt is worth it: a rate limit (not an empty account), a
 * server that is busy or broken for a moment, a connection that was lost, a server that was too slow (`data.phase`), an
 * answer that was cut. Not the timeout of a caller, which would be over for another attempt too.
 */
export function isTransient(error: unknown): error is BuslineError {
  if (!(error instanceof BuslineError)) return false
  const { status, code, type, phase } = error.data
  if (code === 'insufficient_quota' || type === 'insufficient_quota') return false
  if (error.code === 'RATE_LIMITED' || error.code === 'ANSWER_CUT') return true
  if (error.code === 'TIMED_OUT') return typeof phase === 'string'
  if (typeof status === 'number') return STATUSES.has(status) || (status >= 500 && status !== 501)
  if (error.code === 'MODEL_UNAVAILABLE' && typeof code === 'string' && LOST.has(code)) return true
  return [code, type].some((name) => typeof name === 'string' && NAMES.has(name))
}
