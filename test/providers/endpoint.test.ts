import { expect, test } from 'vitest'
import { profileFor } from '../../src/providers/choose-profile.ts'
import { credentialsOf, endpointOf, type Credentials, type Endpoint } from '../../src/providers/endpoint.ts'

const openai = profileFor(undefined)
const azure = profileFor(undefined, 'azure')

function endpoint(baseURL?: string): Endpoint {
  return endpointOf(baseURL, profileFor(baseURL))
}

function credentials(apiKey: string | undefined, baseURL?: string): Credentials {
  return credentialsOf(apiKey, endpoint(baseURL), profileFor(baseURL))
}

test('the path of the base URL is kept, with or without a slash at its end, and so is a query', () => {
  const hrefOf = (baseURL?: string): string => endpoint(baseURL).url.href
  expect(hrefOf('http://localhost:8000/v1')).toBe('http://localhost:8000/v1/chat/completions')
  expect(hrefOf('http://localhost:8000/v1/')).toBe('http://localhost:8000/v1/chat/completions')
  expect(hrefOf('https://host.test')).toBe('https://host.test/chat/completions')
  expect(hrefOf('https://host.test/openai?api-version=1')).toBe(
    'https://host.test/openai/chat/completions?api-version=1',
  )
  expect(hrefOf()).toBe('https://api.openai.com/v1/chat/completions')
})

test("Azure's resource alone means its v1 path; a deployment's path gets an api-version unless it has one", () => {
  const hrefOf = (baseURL: string): string => endpointOf(baseURL, azure).url.href
  const host = 'https://ada.openai.azure.com'
  expect(hrefOf(host)).toBe(`${host}/openai/v1/chat/completions`)
  expect(hrefOf(`${host}/openai/v1/`)).toBe(`${host}/openai/v1/chat/completions`)
  expect(hrefOf(`${host}/openai/deployments/gpt-4o`)).toBe(
    `${host}/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21`,
  )
  expect(hrefOf(`${host}/openai/deployments/gpt-4o?api-version=2025-01-01`)).toBe(
    `${host}/openai/deployments/gpt-4o/chat/completions?api-version=2025-01-01`,
  )
  expect(() => endpointOf(undefined, azure)).toThrow(
    expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringContaining('baseURL') }),
  )
})

test('what messages name has neither credentials nor query', () => {
  const baseURL = 'https://ada:pass%20word@host.test/v1?key=secret'
  expect(endpoint(baseURL).where).toBe('https://host.test/v1/chat/completions')
  expect(endpoint(baseURL).url.href).toBe('https://host.test/v1/chat/completions?key=secret')
  expect(credentials(undefined, baseURL)).toEqual({
    headers: { authorization: `Basic ${btoa('ada:pass word')}` },
    secrets: ['pass word', btoa('ada:pass word')],
  })
})

test("a key is sent as bearer, without the white space around it; Azure's in a header of its own", () => {
  expect(credentials(' sk-1\n')).toEqual({ headers: { authorization: 'Bearer sk-1' }, secrets: ['sk-1'] })
  expect(credentials(undefined, 'http://localhost/v1')).toEqual({ headers: {}, secrets: [] })
  expect(credentialsOf('k-1', endpoint('http://localhost/v1'), azure).headers).toEqual({ 'api-key': 'k-1' })
})

test('without key and base URL the error says what to set, but for a profile of this machine', () => {
  expect(() => credentials(undefined)).toThrow(
    expect.objectContaining({ code: 'AUTHENTICATION_FAILED', message: expect.stringContaining('apiKey') }),
  )
  expect(() => credentials(' ')).toThrow(/--base-url/)
  const ollama = profileFor(undefined, 'ollama')
  expect(credentialsOf(undefined, endpointOf(undefined, ollama), ollama).headers).toEqual({})
})

test('a key or base URL that can not be used is refused without being shown', () => {
  for (const apiKey of ['sk-1\nsk-2', 'sk-“quoted”']) {
    expect(() => credentials(apiKey)).toThrow(
      expect.objectContaining({ code: 'AUTHENTICATION_FAILED', message: expect.not.stringContaining('sk-') }),
    )
  }
  for (const baseURL of ['localhost:8000', 'ftp://host.test', 'not a url secret']) {
    expect(() => endpointOf(baseURL, openai)).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.not.stringContaining('secret') }),
    )
  }
})

test('a user without a password and the values of a query are secrets, but for what can be no key', () => {
  const baseURL = 'https://host.test/v1?key=QUERY%20SECRET&v=2&api-version=2024-10-21'
  const secrets = ['QUERY SECRET', 'QUERY%20SECRET']
  expect(credentials(undefined, baseURL)).toEqual({ headers: {}, secrets })
  expect(credentials('sk-1', baseURL).secrets).toEqual(['sk-1', ...secrets])
  expect(credentials(undefined, 'https://token@host.test/v1').secrets).toEqual(['token', btoa('token:')])
})
