import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryRateLimits } from '../../src/policies/rate-limit-store.ts'

const bucket = { limit: 5, per: 1000, burst: 5 }

describe('memoryRateLimits', () => {
  test('never lets more than the burst and what has come since through, in any window', () => {
    const asked = fc.record({ wait: fc.integer({ min: 0, max: 500 }), cost: fc.integer({ min: 0, max: 4 }) })
    const buckets = fc.record({
      limit: fc.integer({ min: 1, max: 50 }),
      per: fc.integer({ min: 1, max: 2000 }),
      burst: fc.integer({ min: 4, max: 20 }),
    })
    fc.assert(
      fc.property(buckets, fc.array(asked, { maxLength: 60 }), (bucket, asking) => {
        const store = memoryRateLimits()
        const taken: { at: number; cost: number }[] = []
        let now = 1_700_000_000_000
        for (const { wait, cost } of asking) {
          now += wait
          if (store.take('a', cost, bucket, now) === 0) taken.push({ at: now, cost })
        }
        for (const [from, first] of taken.entries()) {
          let sum = 0
          for (const { at, cost } of taken.slice(from)) {
            sum += cost
            const came = ((at - first.at) * bucket.limit) / bucket.per
            expect(sum).toBeLessThanOrEqual(bucket.burst + came + 1e-6)
          }
        }
      }),
    )
  })

  test('tells a time after which the tokens are there, and not a millisecond more than it takes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 1, max: 10 }),
        (limit, per, cost) => {
          const store = memoryRateLimits()
          const bucket = { limit, per, burst: 10 }
          void store.take('a', 10, bucket, 0)
          const wait = Number(store.take('a', cost, bucket, 0))
          expect(wait).toBe(Math.max(1, Math.ceil((cost * per) / limit)))
          expect(store.take('a', cost, bucket, wait)).toBe(0)
        },
      ),
    )
  })

  test.each<[string, [at: number, cost: number, wait: number][]]>([
    [
      'lets a burst through, then paces',
      [
        [0, 5, 0],
        [0, 1, 200],
        [199, 1, 1],
        [200, 1, 0],
        [200, 1, 200],
      ],
    ],
    [
      'gathers no more than the burst',
      [
        [0, 5, 0],
        [60_000, 5, 0],
        [60_000, 1, 200],
      ],
    ],
    [
      'takes nothing for what it refuses',
      [
        [0, 3, 0],
        [0, 3, 200],
        [0, 2, 0],
      ],
    ],
    [
      'asks nothing for what costs nothing',
      [
        [0, 5, 0],
        [0, 0, 0],
      ],
    ],
    [
      'adds nothing when the clock was set back, and goes on from there',
      [
        [1000, 5, 0],
        [0, 1, 200],
        [200, 1, 0],
      ],
    ],
  ])('%s', (_, steps) => {
    const store = memoryRateLimits()
    expect(steps.map(([at, cost]) => store.take('a', cost, bucket, at))).toEqual(
      steps.map(([, , wait]) => wait),
    )
  })

  test('has a bucket for each key', () => {
    const store = memoryRateLimits()
    void store.take('a', 5, bucket, 0)

    expect(store.take('b', 5, bucket, 0)).toBe(0)
  })

  test('of more than 10 000 buckets drops full ones before one that is not', () => {
    const store = memoryRateLimits()
    void store.take('spent', 5, bucket, 0)
    for (let n = 0; n < 20_000; n++) void store.take(`${n}`, 0, bucket, 0)

    expect(store.take('spent', 1, bucket, 0)).toBe(200)
  })
})
