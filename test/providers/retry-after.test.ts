import { expect, test } from 'vitest'
import { retryAfterOf } from '../../src/providers/retry-after.ts'

const now = (): number => Date.parse('Wed, 21 Oct 2026 07:28:00 GMT')

function asked(headers: Record<string, string>): number | undefined {
  return retryAfterOf(new Headers(headers), now)
}

test('milliseconds come first, then seconds, then a date', () => {
  expect(asked({ 'retry-after-ms': '250', 'retry-after': '3' })).toBe(250)
  expect(asked({ 'retry-after': '3' })).toBe(3000)
  expect(asked({ 'retry-after': '1.5' })).toBe(1500)
  expect(asked({ 'retry-after': 'Wed, 21 Oct 2026 07:28:05 GMT' })).toBe(5000)
})

test('no time, a time in the past and nonsense are no wish', () => {
  expect(asked({})).toBeUndefined()
  expect(asked({ 'retry-after-ms': '0', 'retry-after': '0' })).toBeUndefined()
  expect(asked({ 'retry-after': '-3' })).toBeUndefined()
  expect(asked({ 'retry-after': 'Wed, 21 Oct 2020 07:28:00 GMT' })).toBeUndefined()
  expect(asked({ 'retry-after': 'soon' })).toBeUndefined()
})

test('milliseconds of zero leave it to the seconds, as Azure sends them', () => {
  expect(asked({ 'retry-after-ms': '0', 'retry-after': '1' })).toBe(1000)
})
