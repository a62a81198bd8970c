import { expect, test } from 'vitest'
import { endpointOf } from '../../src/providers/endpoint.ts'

test('the path of the base URL is kept, with or without a slash at its end, and so is a query', () => {
  const hrefOf = (baseURL: string): string => endpointOf({ baseURL }).url.href
  expect(hrefOf('http://localhost:8000/v1')).toBe('http://localhost:8000/v1/chat/completions')
  expect(hrefOf('http://localhost:8000/v1/')).toBe('http://localhost:8000/v1/chat/completions')
  expect(hrefOf('https://host.test')).toBe('https://host.test/chat/completions')
  expect(hrefOf('https://host.test/openai?api-version=1')).toBe(
    'https://host.test/openai/chat/completions?api-version=1',
  )
  expect(endpointOf({ apiKey: 'sk-1' }).url.href).toBe('https://api.openai.com/v1/chat/completions')
})

test('what messages name has neither credentials nor query', () => {
  const endpoint = endpointOf({ baseURL: 'https://ada:pass%20word@host.test/v1?key=secret' })
  expect(endpoint.where).toBe('https://host.test/v1/chat/completions')
  expect(endpoint.url.href).toBe('https://host.test/v1/chat/completions?key=secret')
  expect(endpoint.secrets).toEqual(['pass word'])
  expect(endpoint.authorization).toBe(`Basic ${btoa('ada:pass word')}`)
})

test('a key is sent as bearer, without the white space around it', () => {
  expect(endpointOf({ apiKey: ' sk-1\n' })).toMatchObject({ authorization: 'Bearer sk-1', secrets: ['sk-1'] })
  expect(endpointOf({ baseURL: 'http://localhost/v1' }).authorization).toBeUndefined()
})

test('without key and base URL the error says what to set', () => {
  expect(() => endpointOf({})).toThrow(
    expect.objectContaining({ code: 'AUTHENTICATION_FAILED', message: expect.stringContaining('apiKey') }),
  )
  expect(() => endpointOf({ apiKey: ' ' })).toThrow(/--base-url/)
})

test('a key or base URL that can not be used is refused without being shown', () => {
  for (const apiKey of ['sk-1\nsk-2', 'sk-“quoted”']) {
    expect(() => endpointOf({ apiKey })).toThrow(
      expect.objectContaining({ code: 'AUTHENTICATION_FAILED', message: expect.not.stringContaining('sk-') }),
    )
  }
  for (const baseURL of ['localhost:8000', 'ftp://host.test', 'not a url secret']) {
    expect(() => endpointOf({ baseURL })).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.not.stringContaining('secret') }),
    )
  }
})
