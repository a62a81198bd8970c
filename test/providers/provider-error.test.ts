import { expect, test } from 'vitest'
import { secretHider } from '../../src/providers/hide-secrets.ts'
import { answerError, httpError, unreadable } from '../../src/providers/provider-error.ts'

const where = 'https://host.test/v1/chat/completions'

function told(status: number, body: unknown = { error: { message: 'Because' } }): string {
  return httpError({ status, body: typeof body === 'string' ? body : JSON.stringify(body), where }).code
}

test('each status has its code', () => {
  expect(told(401)).toBe('AUTHENTICATION_FAILED')
  expect([402, 403, 407].map((status) => told(status))).toEqual(Array(3).fill('PERMISSION_DENIED'))
  expect(told(429)).toBe('RATE_LIMITED')
  expect([400, 404, 405, 409, 413, 422].map((status) => told(status))).toEqual(
    Array(6).fill('INVALID_REQUEST'),
  )
  expect(told(503)).toBe('MODEL_UNAVAILABLE')
  expect([500, 502, 504, 529, 304].map((status) => told(status))).toEqual(Array(5).fill('PROVIDER_FAILED'))
})

test('the message says who answered what, and what to do', () => {
  const error = httpError({
    status: 404,
    body: JSON.stringify({
      error: { message: 'The model `x`\ndoes not exist', type: 't', code: 'model_not_found' },
    }),
    where,
  })
  expect(error.message).toBe(
    `${where} answered 404: The model \`x\` does not exist. Check the base URL (baseURL, --base-url) and the model name (--model).`,
  )
  expect(error.data).toEqual({
    message: 'The model `x`\ndoes not exist',
    type: 't',
    code: 'model_not_found',
    status: 404,
  })
})

test('the HTTP status wins over one in the body, and retryAfter is kept in milliseconds', () => {
  const error = httpError({
    status: 429,
    body: '{"error":{"message":"slow down","code":400}}',
    where,
    retryAfter: 1500,
  })
  expect(error).toMatchObject({ code: 'RATE_LIMITED', data: { status: 429, code: 400, retryAfter: 1500 } })
})

test('an HTML page is called that, and shown in one short line', () => {
  const page = `\n<!DOCTYPE html><html>${'\u001b[2J<p>busy</p>\n'.repeat(100)}</html>`
  const error = httpError({ status: 502, body: page, where })

  expect(error.message).toMatch(
    /answered 502: an HTML page: «<!DOCTYPE html><html>\\u001b\[2J<p>busy<\/p> .*…»\.$/,
  )
  expect(error.message.length).toBeLessThan(320)
  expect(error.data).toEqual({ status: 502 })
})

test('a long or empty explanation makes a short message', () => {
  expect(httpError({ status: 500, body: 'x'.repeat(10_000), where }).message.length).toBeLessThan(600)
  expect(httpError({ status: 500, body: '', where }).message).toBe(`${where} answered 500: no explanation.`)
})

test('a redirect is not followed, but told', () => {
  const error = httpError({ status: 308, body: '', where, location: 'https://other.test/v1?key=x' })
  expect(error).toMatchObject({
    code: 'INVALID_REQUEST',
    message: `${where} answered 308: it has moved to https://other.test/v1. Set the base URL to the new place.`,
  })
})

test('an empty account is told from a rate limit', () => {
  const error = httpError({
    status: 429,
    body: '{"error":{"message":"Quota.","code":"insufficient_quota"}}',
    where,
  })
  expect(error.message).toContain('no credit left')
})

test('an error inside of an answer has the code of its status, else of its name', () => {
  expect(answerError({ message: 'no', status: 429 }, where).code).toBe('RATE_LIMITED')
  expect(answerError({ message: 'no', code: 'rate_limit_exceeded' }, where).code).toBe('RATE_LIMITED')
  expect(answerError({ message: 'no', type: 'authentication_error' }, where).code).toBe(
    'AUTHENTICATION_FAILED',
  )
  expect(answerError({ message: 'no', type: 'server_error' }, where)).toMatchObject({
    code: 'PROVIDER_FAILED',
    message: `${where} broke off with an error: no.`,
    data: { message: 'no', type: 'server_error' },
  })
})

test('what can not be read is shown in a preview of at most 200 characters', () => {
  const error = unreadable('JSON', 'x\u0000'.repeat(1000), where)
  expect(error.code).toBe('PROVIDER_FAILED')
  expect(/«(.*)»/.exec(error.message)?.[1]).toHaveLength(201)
  expect(unreadable('JSON', ' ', where).message).toContain('sent no JSON, but nothing. Is the base URL')
})

test('a name that every object has is no code', () => {
  for (const code of ['constructor', '__proto__', 'toString']) {
    expect(answerError({ message: 'no', type: code, code }, where).code).toBe('PROVIDER_FAILED')
  }
})

test('secrets are hidden before texts are cut', () => {
  const key = `sk-${'K'.repeat(45)}`
  const hide = secretHider([key])
  const body = `${'x'.repeat(455)} ${key} is wrong`
  const errors = [
    httpError({ status: 401, body, where, hide }),
    httpError({
      status: 401,
      body: JSON.stringify({ error: { message: body, type: body, code: body } }),
      where,
      hide,
    }),
    httpError({ status: 401, body: `<html>${'x'.repeat(170)}${key}`, where, hide }),
    answerError({ message: body, type: key }, where, hide),
    unreadable('JSON', `${'x'.repeat(180)}${key}`, where, hide),
  ]
  for (const error of errors) {
    expect(error.message).not.toContain('sk-')
    expect(JSON.stringify(error.data)).not.toContain('KKKK')
  }
})
