import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitUnopened, ThinkTags } from '../../src/providers/split-think-tags.ts'

function split(...pieces: string[]): { reasoning: string; text: string; all: string } {
  const tags = new ThinkTags()
  const parts = [...pieces.map((piece) => tags.push(piece)), tags.end()]
  return {
    reasoning: parts.map(({ reasoning }) => reasoning).join(''),
    text: parts.map(({ text }) => text).join(''),
    all: parts.map(({ reasoning, text }) => reasoning + text).join(''),
  }
}

test('what stands between the tags is reasoning, the rest is text', () => {
  expect(split('<think>a</think>b')).toEqual({ reasoning: 'a', text: 'b', all: 'ab' })
  expect(split('\n<thi', 'nk>a<', '/think', '>b')).toEqual({ reasoning: 'a', text: 'b', all: 'ab' })
})

test('text without a tag comes out at once', () => {
  const tags = new ThinkTags()
  expect(tags.push('H')).toEqual({ reasoning: '', text: 'H' })
  expect(tags.push('<think>')).toEqual({ reasoning: '', text: '<think>' })
  expect(tags.end()).toEqual({ reasoning: '', text: '' })
})

test('reasoning comes out as it arrives, but for what could be the tag', () => {
  const tags = new ThinkTags()
  expect(tags.push('<think>hm')).toEqual({ reasoning: 'hm', text: '' })
  expect(tags.push(' so</th')).toEqual({ reasoning: ' so', text: '' })
  expect(tags.push('us')).toEqual({ reasoning: '</thus', text: '' })
})

test('white space without end is not held back', () => {
  const { text } = split(...Array.from({ length: 300 }, () => ' '))
  expect(text).toBe(' '.repeat(300))
  const tags = new ThinkTags()
  expect(tags.push(' '.repeat(1000)).text).toHaveLength(1000)
})

test('however a text is cut, it is split the same, and no character is lost or moved', () => {
  const word = fc.constantFrom('<', 'think', '>', '</', '<think>', '</think>', 'a', ' ', '\n', '/', 'é')
  fc.assert(
    fc.property(fc.array(word), fc.array(fc.nat(60)), (words, cuts) => {
      const whole = words.join('')
      const ends = [...new Set([...cuts.filter((cut) => cut < whole.length), whole.length])].sort(
        (a, b) => a - b,
      )
      const pieces = ends.map((end, place) => whole.slice(place === 0 ? 0 : ends[place - 1], end))
      expect(split(...pieces)).toEqual(split(whole))
      const { all, text } = split(whole)
      const withoutTags = /^\s*<think>/.test(whole)
        ? whole.replace(/^\s*<think>/, '').replace('</think>', '')
        : whole
      expect(all).toBe(withoutTags)
      expect(whole.endsWith(text)).toBe(true)
    }),
    { numRuns: 2000 },
  )
})

test('a block whose beginning was left out ends at a tag that ends its line', () => {
  expect(splitUnopened('hm\n</think>\n\nYes.')).toEqual({ reasoning: 'hm\n', text: '\n\nYes.' })
  expect(splitUnopened('hm</think>')).toEqual({ reasoning: 'hm', text: '' })
  for (const text of ['', 'Yes.', 'Write </think> here.', '`</think>`', 'a <think>b</think>\nc']) {
    expect(splitUnopened(text)).toEqual({ reasoning: '', text })
  }
})
