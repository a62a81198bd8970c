import { expect, test } from 'vitest'
import { redirectError } from '../../src/providers/redirect-error.ts'

const where = 'https://host.test/v1/chat/completions'

function told(location: string | null, status = 307): string | undefined {
  return redirectError({ status, where, location, hide: (text) => text.replaceAll('sk-1', '[secret]') })
    ?.message
}

test('the new place is told by its origin and path alone', () => {
  expect(told('https://ada:pw@other.test:8443/v1?key=QUERYSECRET#x')).toBe(
    `${where} answered 307: it has moved to https://other.test:8443/v1. Set the base URL to the new place.`,
  )
  expect(told('/v2?key=QUERYSECRET')).toContain('moved to https://host.test/v2.')
  expect(told('https://other.test/sk-1/v1')).toContain('moved to https://other.test/[secret]/v1.')
  expect(told('http://[')).toContain('moved to another place.')
})

test('what is no redirect gives no error', () => {
  expect([told(null), told(''), told('/v2', 200), told('/v2', 401)]).toEqual(Array(4).fill(undefined))
})
