import { expect, test } from 'vitest'
import { oneLine } from '../../src/providers/one-line.ts'

test('white space collapses, and control characters are spelled out', () => {
  expect(oneLine(' a\r\n\tb\u001b[31mc\u202ed\u0085 ', 100)).toBe('a b\\u001b[31mc\\u202ed\\u0085')
})

test('a text longer than the limit is cut and says so', () => {
  expect(oneLine('abcdef', 3)).toBe('abc…')
  expect(oneLine('abc', 3)).toBe('abc')
  expect(oneLine(' '.repeat(100), 3)).toBe('…')
})
