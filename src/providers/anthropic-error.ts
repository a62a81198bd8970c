import { BuslineError, type ErrorCode } from '../messages/busline-error.ts'
import type { Hide } from './hide-secrets.ts'
import { isRecord, textIn } from './is-record.ts'
import { oneLine } from './one-line.ts'
import { readServerError } from './server-error.ts'

/** What is known of a failure beside what the server said of it. */
export interface AnthropicFailure {
  where: string
  /** Undefined for an `error` event inside of a stream. */
  status?: number | undefined
  /** Milliseconds. */
  retryAfter?: number | undefined
  requestId?: string | undefined
  /** Takes secrets out of what the server said, which is then cut: a half of a key would not be found any more. */
  hide?: Hide | undefined
}

const MESSAGE_LIMIT = 500

/** What the API calls its failures, and the status of each. https://platform.claude.com/docs/en/api/errors */
const BY_TYPE: ReadonlyMap<string, { code: ErrorCode; status: number }> = new Map([
  ['invalid_request_error', { code: 'INVALID_REQUEST', status: 400 }],
  ['authentication_error', { code: 'AUTHENTICATION_FAILED', status: 401 }],
  ['billing_error', { code: 'PERMISSION_DENIED', status: 402 }],
  ['permission_error', { code: 'PERMISSION_DENIED', status: 403 }],
  ['not_found_error', { code: 'INVALID_REQUEST', status: 404 }],
  ['request_too_large', { code: 'INVALID_REQUEST', status: 413 }],
  ['rate_limit_error', { code: 'RATE_LIMITED', status: 429 }],
  ['api_error', { code: 'PROVIDER_FAILED', status: 500 }],
  ['timeout_error', { code: 'MODEL_UNAVAILABLE', status: 504 }],
  ['overloaded_error', { code: 'MODEL_UNAVAILABLE', status: 529 }],
])

/**
 * The error for a status that is no success, or for an `error` event inside of a stream; such an event has the status
 * that its type has as an answer, so that who tries again need not know both. `data` holds `status`, `type`, `code`
 * (`error_code` of the details), `message`, `retryAfter` (ms) and `requestId`, as far as they are known.
 */
export function anthropicError(told: unknown, failure: AnthropicFailure): BuslineError {
  const { where, retryAfter, requestId, hide = (text) => text } = failure
  const read = readServerError(told)
  const said = { ...read, ...(read.message !== undefined && { message: hide(read.message) }) }
  const error = isRecord(told) && isRecord(told['error']) ? told['error'] : {}
  const details = isRecord(error['details']) ? error['details'] : {}
  const named = BY_TYPE.get(said.type ?? '')
  const status = failure.status ?? named?.status
  const code = codeOf(failure.status, named?.code)
  const id = requestId ?? (isRecord(told) ? textIn(told['request_id']) : undefined)
  const began = failure.status === undefined ? 'broke off with an error' : `answered ${failure.status}`
  return new BuslineError(
    code,
    `${where} ${began}: ${sentence(said.message)} ${remedy(code, status)}`.trimEnd(),
    {
      data: {
        ...said,
        ...(textIn(details['error_code']) !== undefined && { code: details['error_code'] }),
        ...(status !== undefined && { status }),
        ...(retryAfter !== undefined && { retryAfter }),
        ...(id !== undefined && { requestId: id }),
      },
    },
  )
}

function codeOf(status: number | undefined, named: ErrorCode | undefined): ErrorCode {
  if (status === undefined) return named ?? 'PROVIDER_FAILED'
  if (status === 401) return 'AUTHENTICATION_FAILED'
  if (status === 402 || status === 403 || status === 407) return 'PERMISSION_DENIED'
  if (status === 429) return 'RATE_LIMITED'
  if (status === 503 || status === 504 || status === 529) return 'MODEL_UNAVAILABLE'
  return status < 500 ? 'INVALID_REQUEST' : 'PROVIDER_FAILED'
}

function remedy(code: ErrorCode, status: number | undefined): string {
  if (code === 'AUTHENTICATION_FAILED') return 'Check the API key (apiKey).'
  if (status === 404) return 'Check the base URL (baseURL) and the model name.'
  if (status === 413) return 'Send less: fewer messages, smaller files.'
  if (status === 402) return 'Check the billing of the account; trying again does not help.'
  if (code === 'PERMISSION_DENIED') return 'May this key use this model?'
  if (code === 'RATE_LIMITED') return 'Wait, or send less at a time.'
  if (code === 'MODEL_UNAVAILABLE') return 'Try again later.'
  return ''
}

function sentence(message: string | undefined): string {
  // A proxy's page in place of the API's JSON says nothing to a reader of one line.
  const isPage = message !== undefined && /^\s*<(?:!doctype|html|head|body)\b/i.test(message)
  const line =
    message === undefined ? 'no explanation' : isPage ? 'an HTML page' : oneLine(message, MESSAGE_LIMIT)
  return /[.!?…]$/.test(line) ? line : `${line}.`
}
