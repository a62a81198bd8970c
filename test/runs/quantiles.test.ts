import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { QUANTILE_ERROR, Quantiles } from '../../src/runs/quantiles.ts'

function of(values: readonly number[]): Quantiles {
  const quantiles = new Quantiles()
  for (const value of values) quantiles.add(value)
  return quantiles
}

const rank = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * values.length)) - 1] ?? 0

test('there is no summary of nothing', () => {
  expect(new Quantiles().summary()).toBeUndefined()
})

test('up to 512 values are exact: the nearest rank', () => {
  const values = Array.from({ length: 512 }, (_, place) => (place * 7) % 512)

  expect(of(values).summary()).toEqual({
    count: 512,
    sum: 130816,
    p50: 255,
    p90: 460,
    p95: 486,
    p99: 506,
    max: 511,
  })
})

test('of more, each quantile is within the error of the true value, and the maximum exact', () => {
  const values = Array.from({ length: 20_000 }, (_, place) => Math.exp(((place * 7919) % 20_000) / 1500))
  const summary = of(values).summary()

  for (const [name, share] of [
    ['p50', 0.5],
    ['p90', 0.9],
    ['p95', 0.95],
    ['p99', 0.99],
  ] as const) {
    const wanted = rank(values, share)
    expect(Math.abs((summary?.[name] ?? 0) - wanted) / wanted).toBeLessThanOrEqual(QUANTILE_ERROR * 1.0001)
  }
  expect(summary?.max).toBe(Math.max(...values))
})

test('zeros count, and what is negative or no number does not', () => {
  const zeros = Array.from({ length: 600 }, () => 0)

  expect(of([...zeros, Number.NaN, -1, Infinity, 5]).summary()).toMatchObject({
    count: 601,
    p50: 0,
    p99: 0,
    max: 5,
  })
})

test('merging two comes to what one that took all does, whichever of them has how many', () => {
  const values = fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 900, size: 'max' })
  fc.assert(
    fc.property(values, values, (a, b) => {
      const merged = of(a)
      merged.merge(of(b))
      expect(merged.summary()).toEqual(of([...a, ...b]).summary())
    }),
    { numRuns: 60 },
  )
})
