import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commonPairs } from '../../src/diff/common-pairs.ts'
import { longestIncreasing } from '../../src/diff/longest-increasing.ts'

const word = fc.constantFrom('a', 'b', 'c', 'd')

/** The length of a longest common subsequence, by the table that textbooks have. */
function lengthOf(a: readonly string[], b: readonly string[]): number {
  let row = Array.from({ length: b.length + 1 }, () => 0)
  for (const one of a) {
    const next = [0]
    for (const [place, other] of b.entries())
      next.push(one === other ? (row[place] ?? 0) + 1 : Math.max(row[place + 1] ?? 0, next[place] ?? 0))
    row = next
  }
  return row.at(-1) ?? 0
}

describe('commonPairs', () => {
  test('finds a longest common subsequence, in order', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), fc.array(word, { maxLength: 30 }), (a, b) => {
        const pairs = commonPairs(a, b)
        expect(pairs.every(([one, other]) => a[one] === b[other])).toBe(true)
        expect(
          pairs.every(
            ([one, other], at) =>
              at === 0 || (one > (pairs[at - 1]?.[0] ?? -1) && other > (pairs[at - 1]?.[1] ?? -1)),
          ),
        ).toBe(true)
        expect(pairs).toHaveLength(lengthOf(a, b))
      }),
    )
  })

  test('pairs what it can, in order, of sequences with thousands of edits between them', () => {
    const a = Array.from({ length: 10_000 }, (_, place) => (place % 2 === 0 ? `a${place}` : `both${place}`))
    const b = Array.from({ length: 10_000 }, (_, place) => (place % 2 === 0 ? `b${place}` : `both${place}`))
    expect(commonPairs(a, b)).toHaveLength(5_000)
    expect(commonPairs(a, b.toReversed())).toHaveLength(1)
  })
})

test('longestIncreasing finds places of a longest increasing subsequence', () => {
  expect(longestIncreasing([])).toEqual([])
  expect(longestIncreasing([3, 1, 2, 5, 4])).toHaveLength(3)
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: 99 }), { maxLength: 40 }), (values) => {
      const found = longestIncreasing(values).map((place) => values[place] ?? 0)
      expect(found).toEqual(found.toSorted((one, other) => one - other))
      const sorted = values.toSorted((one, other) => one - other)
      expect(found).toHaveLength(lengthOf(values.map(String), sorted.map(String)))
    }),
  )
})
