import { describeValues, wordDiff } from 'busline/journal'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pathMatcher } from '../../src/diff/path-pattern.ts'
import { valueChanges } from '../../src/diff/value-changes.ts'

describe('valueChanges', () => {
  test.each([
    ['one in the other', ''],
    ['each longer on one side', ',0'],
  ])('compares values nested %s a hundred thousand times in no more time than they are long', (_, more) => {
    const nested = (leaf: string, rest: string): unknown =>
      JSON.parse(`${'['.repeat(100_000)}${leaf}${`${rest}]`.repeat(100_000)}`)
    const changes = valueChanges(nested('1', ''), nested('2', more), { limit: 1 })
    const [first] = changes
    expect([first?.a, first?.b]).toEqual([1, 2])
  })

  test('names each value that differs by its path, in the order of the first', () => {
    const a = { x: [1, { 'odd key': 'a' }], y: null, only: 1 }
    const b = { y: 0, x: [1, { 'odd key': 'b' }], new: 2 }
    expect(valueChanges(a, b)).toEqual([
      { path: 'x[1]["odd key"]', a: 'a', b: 'b' },
      { path: 'y', a: null, b: 0 },
      { path: 'only', a: 1, b: undefined },
      { path: 'new', a: undefined, b: 2 },
    ])
  })

  test('sees one more element of a list as that, wherever it is', () => {
    expect(valueChanges(['a', 'b', 'c'], ['a', 'x', 'b', 'c'])).toEqual([
      { path: '[1]', a: undefined, b: 'x' },
    ])
    expect(valueChanges([1, [2, 3]], [1])).toEqual([{ path: '[1]', a: [2, 3], b: undefined }])
  })

  test('finds nothing between equal values, and something between others', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(valueChanges(a, structuredClone(a))).toEqual([])
        expect(valueChanges(a, b).length > 0).toBe(JSON.stringify(sorted(a)) !== JSON.stringify(sorted(b)))
      }),
    )
  })
})

describe('pathMatcher', () => {
  const of = (pattern: string, type: string, path: (string | number)[]): boolean =>
    pathMatcher([pattern])(type, path)

  test('takes a path and all below it, with stars for any key or place, of one type if it names one', () => {
    expect(of('data.messages', 'a', ['data', 'messages', 0, 'id'])).toBe(true)
    expect(of('data.messages[*].id', 'a', ['data', 'messages', 3, 'id'])).toBe(true)
    expect(of('data.messages[2].id', 'a', ['data', 'messages', 3, 'id'])).toBe(false)
    expect(of('data.*.id', 'a', ['data', 'x', 'id'])).toBe(true)
    expect(of('data.messages', 'a', ['data'])).toBe(false)
    expect(of('model.call:data.hash', 'model.call', ['data', 'hash'])).toBe(true)
    expect(of('model.call:data.hash', 'tool.call', ['data', 'hash'])).toBe(false)
    expect(of('data["odd key"]', 'a', ['data', 'odd key'])).toBe(true)
  })

  test.each(['', '.', 'data..x', 'data.', 'data[', 'data[x]', 'a b'])('refuses %j', (pattern) => {
    expect(() => pathMatcher([pattern])).toThrow(/is no path/)
  })
})

describe('wordDiff', () => {
  test('marks words, not letters', () => {
    expect(wordDiff('It is sunny, here.', 'It is rainy, here.')).toEqual([
      { state: 'same', text: 'It is ' },
      { state: 'removed', text: 'sunny' },
      { state: 'added', text: 'rainy' },
      { state: 'same', text: ', here.' },
    ])
  })

  test('keeps both texts whole', () => {
    const text = fc.string({
      unit: fc.constantFrom('word', ' ', '\n', '.', 'ä', '😀', '\ud800'),
      maxLength: 40,
    })
    fc.assert(
      fc.property(text, text, (a, b) => {
        const parts = wordDiff(a, b)
        const side = (other: string): string =>
          parts.map((part) => (part.state === other ? '' : part.text)).join('')
        expect([side('added'), side('removed')]).toEqual([a, b])
      }),
    )
  })

  test('shows of long texts the words, with no more of the rest than is needed', () => {
    const text = 'word '.repeat(1000)
    const shown = describeValues(`${text}before ${text}`, `${text}after ${text}`, { names: ['a', 'b'] })
    expect(shown.length).toBeLessThan(10_000)
    expect(shown).toMatch(/words +…[\w ]{75,}\[-before-\]\{\+after\+\}[\w ]{75,}…$/)
  })

  test('makes text safe where it is told how', () => {
    const clean = (text: string): string => text.replaceAll('evil', 'good')
    const shown = describeValues('evil '.repeat(20), `evil ${'evil '.repeat(20)}`, {
      names: ['a', 'b'],
      clean,
    })
    expect(shown).not.toContain('evil')
  })
})

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value === 0 ? 0 : value
  const fields = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return { fields: fields.map(([key, inner]) => [key, sorted(inner)]) }
}
