import { cutToWidth, fillEnd, fillStart, textWidth } from 'busline/journal'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** As a terminal of xterm's kind draws them. */
const WIDTHS: [string, number][] = [
  ['', 0],
  ['plain', 5],
  ['Grüße', 5],
  ['e\u0301', 1],
  ['\u0301', 0],
  ['東京', 4],
  ['ｶﾀｶﾅ', 4],
  ['カタカナ', 8],
  ['한국어', 6],
  ['한', 2],
  ['ＡＢ', 4],
  ['「」', 4],
  ['😀', 2],
  ['👍🏽', 2],
  ['👩‍👩‍👧‍👦', 2],
  ['🇨🇭', 2],
  ['❤', 1],
  ['❤️', 2],
  ['✓ → …', 5],
  ['𠮷', 2],
  ['привет', 6],
]

describe('the width of a text', () => {
  test.each(WIDTHS)('%j takes %d columns', (text, columns) => {
    expect(textWidth(text)).toBe(columns)
    expect(fillEnd(text, 10)).toBe(text + ' '.repeat(10 - columns))
    expect(fillStart(text, 10)).toBe(' '.repeat(10 - columns) + text)
  })

  const text = fc
    .array(fc.oneof(...WIDTHS.map(([one]) => fc.constant(one)), fc.string()))
    .map((all) => all.join(''))

  test('a text that is cut is as wide as asked at most, begins as it did, and is whole where it fits', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 40 }), (whole, width) => {
        const cut = cutToWidth(whole, width)
        expect(textWidth(cut)).toBeLessThanOrEqual(width)
        if (textWidth(whole) <= width) expect(cut).toBe(whole)
        else expect(whole.startsWith(cut.slice(0, -1)) && cut.endsWith('…')).toBe(true)
      }),
    )
  })

  test('no character is cut in two', () => {
    expect(cutToWidth('👩‍👩‍👧‍👦 family', 2)).toBe('…')
    expect(cutToWidth('👩‍👩‍👧‍👦 family', 4)).toBe('👩‍👩‍👧‍👦 …')
    expect(cutToWidth('東京都', 4)).toBe('東…')
  })
})
