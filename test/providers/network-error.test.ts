import { expect, test } from 'vitest'
import { networkError } from '../../src/providers/network-error.ts'

const where = 'http://localhost:8000/v1/chat/completions'

function fetchFailed(code: string, message = code): Error {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) })
}

test('the message says why, in words, and what to do', () => {
  expect(networkError(fetchFailed('ECONNREFUSED'), where)).toMatchObject({
    code: 'MODEL_UNAVAILABLE',
    message: `Can't reach ${where}: connection refused. Is the server running?`,
    data: { code: 'ECONNREFUSED' },
  })
  expect(networkError(fetchFailed('ENOTFOUND'), where).message).toContain('there is no host of that name.')
  expect(
    networkError(fetchFailed('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'), where).message,
  ).toBe(
    `Can't reach ${where}: self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT). Is the certificate trusted (NODE_EXTRA_CA_CERTS)?`,
  )
})

test('a reason without a code is shown as it is', () => {
  const error = networkError(new TypeError('fetch failed', { cause: new Error('bad port') }), where)
  expect(error.message).toBe(`Can't reach ${where}: bad port. Check the base URL.`)
  expect(error.data).toEqual({})
  expect(networkError('odd', where).message).toContain('odd')
})

test('a proxy on the way is named', () => {
  expect(networkError(fetchFailed('ECONNREFUSED'), where, 'proxy.test:3128').message).toBe(
    `Can't reach ${where} through the proxy proxy.test:3128: connection refused. Check HTTPS_PROXY and HTTP_PROXY.`,
  )
})

test('a code that is a name of every object is shown as it is', () => {
  expect(networkError(fetchFailed('constructor', 'odd'), where).message).toBe(
    `Can't reach ${where}: odd (constructor). Check the base URL.`,
  )
})
