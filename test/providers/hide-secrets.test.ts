import { BuslineError } from 'busline'
import { expect, test } from 'vitest'
import { hideSecrets, querySecrets, secretHider } from '../../src/providers/hide-secrets.ts'

test('a secret is replaced in message and data, however short it is and however deep', () => {
  const error = new BuslineError('AUTHENTICATION_FAILED', 'Bad key k3y.', {
    data: { message: 'k3y', list: [{ deep: 'a k3y b' }], status: 401 },
  })
  expect(hideSecrets(error, ['k3y'])).toMatchObject({
    code: 'AUTHENTICATION_FAILED',
    message: 'Bad key [secret].',
    data: { message: '[secret]', list: [{ deep: 'a [secret] b' }], status: 401 },
  })
})

test('a cause that tells a secret is left out, at any depth; another is kept', () => {
  const telling = new Error('outer', { cause: new Error('k3y') })
  expect(
    hideSecrets(new BuslineError('PROVIDER_FAILED', 'no', { cause: telling }), ['k3y']).cause,
  ).toBeUndefined()

  const cause = new Error('harmless')
  expect(hideSecrets(new BuslineError('PROVIDER_FAILED', 'k3y', { cause }), ['k3y']).cause).toBe(cause)
})

test('an error without secrets is the same error', () => {
  const error = new BuslineError('PROVIDER_FAILED', 'no', { data: { a: 1 }, cause: new Error('x') })
  expect(hideSecrets(error, ['k3y'])).toBe(error)
  expect(hideSecrets(error, [])).toBe(error)
})

test('secrets are taken out of a text, the longest first, and so is one that the text ends within', () => {
  const hide = secretHider(['sk-1234', 'sk-1234-long', ''])
  expect(hide('a sk-1234-long, sk-1234.')).toBe('a [secret], [secret].')
  expect(hide('a sk-1234-lo')).toBe('a [secret]-lo')
  expect(secretHider(['sk-1234-long'])('a sk-1234-lo')).toBe('a [secret]')
  expect(secretHider(['sk-1234-long'])('a sk-')).toBe('a sk-')
  expect(secretHider([])('sk-1')).toBe('sk-1')
})

test('the values of a query are secrets from eight characters, as they are and as they are written', () => {
  const url = new URL('https://host.test/?key=a%20secret%2F1&short=1234567&api-version=2024-10-21')
  expect(querySecrets(url)).toEqual(['a secret/1', 'a%20secret%2F1'])
})
