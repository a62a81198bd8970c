import { BuslineError, isTransient, type ErrorCode } from 'busline'
import { expect, test } from 'vitest'

const passing: [ErrorCode, Record<string, unknown>][] = [
  ['RATE_LIMITED', { status: 429 }],
  ['RATE_LIMITED', { type: 'rate_limit_error' }],
  ['MODEL_UNAVAILABLE', { status: 503 }],
  ['MODEL_UNAVAILABLE', { code: 'ECONNRESET' }],
  ['MODEL_UNAVAILABLE', { code: 'UND_ERR_SOCKET' }],
  ['INVALID_REQUEST', { status: 408 }],
  ['INVALID_REQUEST', { status: 409 }],
  ['INVALID_REQUEST', { status: 425 }],
  ['PROVIDER_FAILED', { status: 500 }],
  ['PROVIDER_FAILED', { status: 502 }],
  ['PROVIDER_FAILED', { status: 504 }],
  ['PROVIDER_FAILED', { status: 524 }],
  ['PROVIDER_FAILED', { status: 529 }],
  ['PROVIDER_FAILED', { type: 'overloaded_error' }],
  ['PROVIDER_FAILED', { code: 'server_error' }],
  ['ANSWER_CUT', { text: 'half' }],
  ['TIMED_OUT', { phase: 'firstChunk' }],
]

test.each(passing)('%s %o may pass', (code, data) => {
  expect(isTransient(new BuslineError(code, 'no', { data }))).toBe(true)
})

const lasting: [ErrorCode, Record<string, unknown>][] = [
  ['RATE_LIMITED', { status: 429, code: 'insufficient_quota' }],
  ['RATE_LIMITED', { status: 429, type: 'insufficient_quota' }],
  ['INVALID_REQUEST', { status: 400 }],
  ['INVALID_REQUEST', { status: 404 }],
  ['AUTHENTICATION_FAILED', { status: 401 }],
  ['PERMISSION_DENIED', { status: 402 }],
  ['PROVIDER_FAILED', { status: 501 }],
  ['PROVIDER_FAILED', {}],
  ['MODEL_UNAVAILABLE', { code: 'ECONNREFUSED' }],
  ['MODEL_UNAVAILABLE', { code: 'ENOTFOUND' }],
  // The caller's own timeout: its time is over.
  ['TIMED_OUT', { timeout: 20 }],
  ['CANCELLED', {}],
]

test.each(lasting)('%s %o does not pass', (code, data) => {
  expect(isTransient(new BuslineError(code, 'no', { data }))).toBe(false)
})

test('what is no coded error does not pass', () => {
  expect([new Error('503'), { status: 503 }, undefined].some(isTransient)).toBe(false)
})
