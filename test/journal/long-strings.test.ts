import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { replaceLongStrings } from '../../src/journal/long-strings.ts'

/** The same by taking the JSON apart. */
function replaced(value: unknown, over: number): unknown {
  if (typeof value === 'string') return JSON.stringify(value).length > over ? 'LONG' : value
  if (Array.isArray(value)) return value.map((item) => replaced(item, over))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item, over)]))
}

test('exactly the strings over the limit are replaced, keys never, and nothing else changes', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('\\', '"', ':', 'a', '\n') }),
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.constantFrom(0.5, true, null),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.dictionary(text, tie('value'), { maxKeys: 5 }),
    ),
  }))
  fc.assert(
    fc.property(value, fc.integer({ min: 2, max: 15 }), (json, over) => {
      const was = JSON.stringify(json)
      const long: string[] = []
      const now = replaceLongStrings(was, over, (string) => {
        long.push(string)
        return '"LONG"'
      })

      expect(now).toBe(JSON.stringify(replaced(JSON.parse(was), over)))
      for (const string of long) expect(JSON.parse(string)).toBeTypeOf('string')
    }),
    { numRuns: 500 },
  )
})

test('a text of many quotes and backslashes takes time in proportion to its length', () => {
  const json = JSON.stringify(`${'\\'.repeat(200_000)}${'"'.repeat(200_000)}`)
  const before = performance.now()
  expect(replaceLongStrings(json, 10, () => '1')).toBe('1')
  expect(performance.now() - before).toBeLessThan(1000)
})
