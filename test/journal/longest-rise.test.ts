import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { longestRise } from '../../src/journal/longest-rise.ts'

/** How long a rise can be at most, by looking at every pair. */
function longest(numbers: readonly number[]): number {
  const lengths: number[] = []
  for (const [place, number] of numbers.entries())
    lengths.push(
      1 + Math.max(0, ...lengths.filter((_, before) => (numbers[before] ?? 0) < number && before < place)),
    )
  return Math.max(0, ...lengths)
}

test('what is kept rises, and nothing longer does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 15 }), { maxLength: 25 }), (numbers) => {
      const places = longestRise(numbers)
      const kept = places.map((place) => numbers[place] ?? 0)

      expect(places).toEqual(places.toSorted((a, b) => a - b))
      expect(kept).toEqual([...new Set(kept)].toSorted((a, b) => a - b))
      expect(kept).toHaveLength(longest(numbers))
    }),
  )
})

test('of two that are as long the one is kept that ends lower', () => {
  expect(longestRise([0, 1, 9, 2])).toEqual([0, 1, 3])
  expect(longestRise([])).toEqual([])
})
