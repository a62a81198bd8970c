import { BuslineError, type ErrorCode } from '../messages/busline-error.ts'
import type { Hide } from './hide-secrets.ts'
import { oneLine } from './one-line.ts'
import { redirectError } from './redirect-error.ts'
import { readServerError, type ServerError } from './server-error.ts'

const MESSAGE_LIMIT = 500
const PREVIEW_LIMIT = 200

const AS_IT_IS: Hide = (text) => text

/**
 * The error for an HTTP status that is no success. `where` names the server without credentials; `hide` takes them out of
 * what it said, before that is cut.
 */
export function httpError(failed: {
  status: number
  body: string
  where: string
  retryAfter?: number | undefined
  location?: string | null
  hide?: Hide
}): BuslineError {
  const { status, body, where, retryAfter, hide = AS_IT_IS } = failed
  const moved = redirectError(failed)
  if (moved) return moved
  const isHtml = looksLikeHtml(body)
  const told = isHtml ? {} : hidden(readServerError(parsed(body)), hide)
  const said = isHtml ? `an HTML page: ${preview(hide(body))}` : sentence(told.message ?? 'no explanation')
  const code = codeOf({ ...told, status })
  return new BuslineError(
    code,
    `${where} answered ${status}: ${said} ${remedyFor(code, told, status)}`.trimEnd(),
    {
      data: { ...told, status, ...(retryAfter !== undefined && { retryAfter }) },
    },
  )
}

/** The error for what a server said inside of an answer that began well. */
export function answerError(said: ServerError, where: string, hide: Hide = AS_IT_IS): BuslineError {
  const told = hidden(said, hide)
  const code = codeOf(told)
  const why = sentence(told.message ?? 'no explanation')
  return new BuslineError(
    code,
    `${where} broke off with an error: ${why} ${remedyFor(code, told, told.status)}`.trimEnd(),
    { data: { ...told } },
  )
}

/**
 * The error for an answer that can't be read; `what` was expected, `got` stands in the message as a preview. There is no
 * cause: that of JSON shows the text too, cut where it likes.
 */
export function unreadable(what: string, got: string, where: string, hide: Hide = AS_IT_IS): BuslineError {
  const shown = preview(hide(got))
  const found = got.trim() === '' ? 'nothing.' : looksLikeHtml(got) ? `an HTML page: ${shown}` : shown
  return new BuslineError(
    'PROVIDER_FAILED',
    `${where} sent no ${what}, but ${found} Is the base URL that of a chat-completions API?`,
  )
}

/** What a server said without secrets: all that is text of it. */
function hidden(told: ServerError, hide: Hide): ServerError {
  const { message, type, code } = told
  return {
    ...told,
    ...(message !== undefined && { message: hide(message) }),
    ...(type !== undefined && { type: hide(type) }),
    ...(typeof code === 'string' && { code: hide(code) }),
  }
}

/** Status first, then what the server called it. */
function codeOf({ status, type, code }: ServerError): ErrorCode {
  if (status !== undefined) return codeOfStatus(status)
  return BY_NAME.get(String(code)) ?? BY_NAME.get(String(type)) ?? 'PROVIDER_FAILED'
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401) return 'AUTHENTICATION_FAILED'
  if (status === 402 || status === 403 || status === 407) return 'PERMISSION_DENIED'
  if (status === 429) return 'RATE_LIMITED'
  if (status === 503) return 'MODEL_UNAVAILABLE'
  return status >= 400 && status < 500 ? 'INVALID_REQUEST' : 'PROVIDER_FAILED'
}

const BY_NAME = new Map<string, ErrorCode>(
  Object.entries({
    authentication_error: 'AUTHENTICATION_FAILED',
    invalid_api_key: 'AUTHENTICATION_FAILED',
    permission_error: 'PERMISSION_DENIED',
    insufficient_quota: 'RATE_LIMITED',
    rate_limit_error: 'RATE_LIMITED',
    rate_limit_exceeded: 'RATE_LIMITED',
    context_length_exceeded: 'INVALID_REQUEST',
    invalid_request_error: 'INVALID_REQUEST',
    model_not_found: 'INVALID_REQUEST',
  }),
)

function remedyFor(code: ErrorCode, told: ServerError, status: number | undefined): string {
  if (code === 'AUTHENTICATION_FAILED') return 'Check the API key (apiKey, --api-key, OPENAI_API_KEY).'
  if (status === 404) return 'Check the base URL (baseURL, --base-url) and the model name (--model).'
  if (status === 407) return "Check the proxy's user and password in HTTPS_PROXY."
  if (status === 402 || isOutOfQuota(told))
    return 'The account has no credit left, so trying again does not help.'
  if (code === 'PERMISSION_DENIED') return 'May this key use this model?'
  if (code === 'RATE_LIMITED') return 'Wait, or send less at a time.'
  if (code === 'MODEL_UNAVAILABLE') return 'Try again later.'
  return ''
}

/** Whether a rate limit is really an empty account, which no waiting fills. */
export function isOutOfQuota(told: { code?: unknown; type?: unknown }): boolean {
  return told.code === 'insufficient_quota' || told.type === 'insufficient_quota'
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    if (error instanceof SyntaxError) return body
    throw error
  }
}

function looksLikeHtml(body: string): boolean {
  return /^\s*<(?:!doctype|html|head|body)\b/i.test(body.slice(0, PREVIEW_LIMIT))
}

function preview(text: string): string {
  return `«${oneLine(text, PREVIEW_LIMIT)}».`
}

function sentence(message: string): string {
  const line = oneLine(message, MESSAGE_LIMIT)
  return /[.!?…]$/.test(line) ? line : `${line}.`
}
