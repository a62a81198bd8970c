import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonBreak } from '../../src/tools/json-break.ts'

test.each([
  ['', 0, 'a value', 'the end of the text'],
  ['{"a":1,', 7, 'a name in double quotes', 'the end of the text'],
  ['{"a":1', 6, '"," or "}"', 'the end of the text'],
  ["{'a':1}", 1, 'a name in double quotes or "}"', `"'"`],
  ['{"a" 1}', 5, '":"', '"1"'],
  ['[1,]', 3, 'a value', '"]"'],
  ['{"a":x}', 5, 'a value', '"x"'],
  ['{"a":1} {', 8, 'the end', '"{"'],
  ['"ab\ncd"', 3, 'an escaped character', '"\\n"'],
  ['{"a":"b', 7, 'a closing "', 'the end of the text'],
  ['[01]', 2, '"," or "]"', '"1"'],
])('%j breaks at %d, where %s was expected', (text, at, expected, found) => {
  expect(jsonBreak(text)).toMatchObject({ at, expected, found })
})

test('shows what is around the break', () => {
  expect(jsonBreak(`{"long":"${'x'.repeat(99)}" "b":1}`)?.near).toBe(
    `near ${JSON.stringify(`${'x'.repeat(22)}" ⟨here⟩"b":1}`)}`,
  )
})

test('finds a break exactly in what JSON.parse refuses', () => {
  const parses = (text: string): boolean => {
    try {
      JSON.parse(text)
      return true
    } catch {
      return false
    }
  }
  const json = fc.oneof(
    fc.json(),
    fc.jsonValue().map((value) => JSON.stringify(value, null, 2)),
  )
  const cut = fc.tuple(json, fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1)))
  const swapped = fc
    .tuple(
      json,
      fc.nat(),
      fc.constantFrom('"', '{', '}', '[', ']', ',', ':', '\\', '\n', '0', '-', '.', 'e', 't', ' '),
    )
    .map(
      ([text, at, by]) =>
        text.slice(0, at % (text.length + 1)) + by + text.slice((at % (text.length + 1)) + 1),
    )
  fc.assert(
    fc.property(fc.oneof(json, cut, swapped, fc.string()), (text) => {
      expect(jsonBreak(text) === undefined).toBe(parses(text))
    }),
    { numRuns: 3000 },
  )
})

test('reads a long and deep text in one go', () => {
  expect(jsonBreak('['.repeat(100_000))).toMatchObject({ at: 100_000 })
  expect(jsonBreak(`"${'\\u00e4'.repeat(100_000)}`)).toMatchObject({ expected: 'a closing "' })
  expect(jsonBreak(`"${'x'.repeat(20_000_000)}`)).toMatchObject({ at: 20_000_001 })
})
