import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { longestRise, type Stretch } from '../../src/journal/longest-rise.ts'

function numbersOf({ first, count }: Stretch): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}

/** How long a rise can be at most, and where one that is as long ends lowest, by looking at every pair. */
function longest(numbers: readonly number[]): { length: number; end: number | undefined } {
  const lengths: number[] = []
  for (const [place, number] of numbers.entries())
    lengths.push(
      1 + Math.max(0, ...lengths.filter((_, before) => (numbers[before] ?? 0) < number && before < place)),
    )
  const length = Math.max(0, ...lengths)
  const ends = numbers.filter((_, place) => lengths[place] === length)
  return { length, end: ends.length === 0 ? undefined : Math.min(...ends) }
}

test('what is kept rises, nothing longer does, and nothing as long ends lower', () => {
  const stretch = fc.record({ first: fc.nat(20), count: fc.integer({ min: 1, max: 6 }) })
  fc.assert(
    fc.property(fc.array(stretch, { maxLength: 12 }), (stretches) => {
      const rise = longestRise(stretches)
      const kept = rise.flatMap(({ place, count }) =>
        numbersOf({ first: stretches[place]?.first ?? 0, count }),
      )

      expect(rise).toEqual(rise.toSorted((a, b) => a.place - b.place))
      for (const { place, count } of rise) expect(count).toBeLessThanOrEqual(stretches[place]?.count ?? 0)
      expect(kept).toEqual([...new Set(kept)].toSorted((a, b) => a - b))
      expect({ length: kept.length, end: kept.at(-1) }).toEqual(longest(stretches.flatMap(numbersOf)))
    }),
    { numRuns: 300 },
  )
})

test('of two that are as long the one is kept that ends lower', () => {
  const numbers = [0, 1, 9, 2].map((first) => ({ first, count: 1 }))

  expect(longestRise(numbers).map(({ place }) => place)).toEqual([0, 1, 3])
  expect(longestRise([])).toEqual([])
})

test('what stands out of order costs itself, and not the stretches around it', () => {
  const stretches = [
    { first: 0, count: 500_000 },
    { first: 400_000, count: 1 },
    { first: 500_000, count: 500_000 },
  ]

  expect(longestRise(stretches)).toEqual([
    { place: 0, count: 500_000 },
    { place: 2, count: 500_000 },
  ])
})
