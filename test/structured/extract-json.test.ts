import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { extractJson } from '../../src/structured/extract-json.ts'

const valueIn = (text: string): unknown => extractJson(text)?.value

describe('extractJson finds', () => {
  test.each([
    ['the whole text', '{"a":1}', { a: 1 }],
    ['a value of any kind that is the whole text', ' "yes" ', 'yes'],
    ['null', 'null', null],
    ['what a fence holds', 'Here:\n```json\n{"a":1}\n```\nAnything else?', { a: 1 }],
    ['what a fence without a language holds', '```\n[1]\n```', [1]],
    ['what a fence of tildes holds', '~~~json\n{"a":1}\n~~~', { a: 1 }],
    ['a number in a fence', '```json\n42\n```', 42],
    ['a value whose closing fence stands at its end', '```json\n{"a":1}```', { a: 1 }],
    ['a fence in one line', '```json {"a":1} ```', { a: 1 }],
    ['an object between words', 'Sure! {"a":[1,{"b":"}"}]} Bye.', { a: [1, { b: '}' }] }],
    ['an array behind words', 'The list: ["a]", 2]', ['a]', 2]],
    ['a value that has a fence in a string', 'So: {"code":"```js\\nx\\n```"}', { code: '```js\nx\n```' }],
    ['a fence in a fenced string', '```json\n{"code":"```js\\nx\\n```"}\n```', { code: '```js\nx\n```' }],
    ['a value behind a byte order mark', '\uFEFF{"a":1}', { a: 1 }],
  ])('%s', (_what, text, value) => {
    expect(valueIn(text)).toEqual(value)
  })
})

describe('extractJson refuses', () => {
  test.each([
    ['words', 'I can not do that.'],
    ['nothing', ''],
    ['a value that was cut', '{"a":{"b":1}'],
    ['a part of a broken value', '{"a":{"b":1}, oops}'],
    ['a part behind a bracket in the words', 'for {name} it is {"a":1}'],
    ['two values', '{"a":1} or {"a":2}'],
    ['two fences', '```json\n{"a":1}\n```\nor\n```json\n{"a":2}\n```'],
    ['a fence that does not hold JSON', '```python\nprint({"a": 1})\n```'],
    ['single quotes', "{'a': 1}"],
    ['a trailing comma', '{"a":1,}'],
    ['a bracket too many', '{"a":1}}'],
    ['a number between words', 'It is 42.'],
  ])('%s', (_what, text) => {
    expect(extractJson(text)).toBeUndefined()
  })
})

describe('for any JSON value', () => {
  const values = fc.jsonValue()
  const words = fc.string().map((text) => text.replaceAll(/[{}[\]`~]/g, ''))
  const same = (value: unknown) => JSON.parse(JSON.stringify(value))

  test('in a fence between words, extractJson finds that value', () => {
    const cases = fc.tuple(values, words, words, fc.constantFrom('json', '', 'JSON'), fc.nat({ max: 4 }))
    fc.assert(
      fc.property(cases, ([value, before, after, language, indent]) => {
        const text = `${before}\n\`\`\`${language}\n${JSON.stringify(value, null, indent)}\n\`\`\`\n${after}`
        expect(valueIn(text)).toEqual(same(value))
      }),
    )
  })

  test('between words, extractJson finds an object or array', () => {
    const composites = fc.oneof(fc.array(values), fc.dictionary(fc.string(), values))
    fc.assert(
      fc.property(composites, words, words, (value, before, after) => {
        expect(valueIn(`${before} ${JSON.stringify(value)} ${after}`)).toEqual(same(value))
      }),
    )
  })

  test('between any text at all, extractJson finds the value whole, or nothing of it', () => {
    const brackets = fc.constantFrom('{', '}', '[', ']', '"', '\\', '\n', '`', 'a', ' ', ',')
    const anything = fc.oneof(fc.string(), fc.string({ unit: brackets }))
    fc.assert(
      fc.property(fc.dictionary(fc.string(), values), anything, anything, (inner, before, after) => {
        const json = JSON.stringify({ first: 'Zq7', inner, last: 'Zq7' })
        const found = extractJson(`${before}${json}${after}`)?.json ?? ''
        expect(found.includes(json) || !found.includes('Zq7')).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  test('of which an end is missing, extractJson refuses', () => {
    const objects = fc.dictionary(fc.string({ minLength: 1 }), values, { minKeys: 1 })
    fc.assert(
      fc.property(objects, fc.double({ min: 0, max: 1, noNaN: true }), words, (value, share, before) => {
        const json = JSON.stringify(value)
        const cut = json.slice(0, 1 + Math.floor(share * (json.length - 2)))
        expect(extractJson(`${before} ${cut}`)).toBeUndefined()
      }),
    )
  })
})

test('A line that begins like a fence and goes on with spaces takes time in proportion to its length', () => {
  const hostile = `\`\`\`${' '.repeat(1_000_000)}!`
  const begun = performance.now()
  expect(extractJson(hostile)).toBeUndefined()
  // A pattern that tries each pair of places took 3 s for 80 000 spaces, and would take minutes for these.
  expect(performance.now() - begun).toBeLessThan(2000)
})
