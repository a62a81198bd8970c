import { describe, expect, test } from 'vitest'
import { Distribution } from '../../src/observability/distribution.ts'
import { estimateQuantile } from '../../src/observability/estimate-quantile.ts'

function quantileOf(values: readonly number[], quantile: number): number | undefined {
  const distribution = new Distribution([10, 20, 50])
  for (const value of values) distribution.observe(value)
  return estimateQuantile(distribution.snapshot(), quantile)
}

describe('a quantile', () => {
  test('is in the bucket where the true one is', () => {
    const values = Array.from({ length: 40 }, (_, n) => n + 1)
    expect(quantileOf(values, 0.5)).toBeCloseTo(20, 5)
    expect(quantileOf(values, 0.25)).toBeCloseTo(10, 5)
  })

  test('is never more than the greatest value', () => {
    expect(quantileOf([21, 22], 0.95)).toBe(22)
  })

  test('above the last bucket is the greatest value', () => {
    expect(quantileOf([1, 900, 1000], 0.95)).toBe(1000)
  })

  test('of negative values is no more than they are', () => {
    expect(quantileOf([-5, -4], 0.5)).toBe(-4)
  })

  test('of nothing is undefined', () => {
    expect(quantileOf([], 0.5)).toBeUndefined()
  })
})
