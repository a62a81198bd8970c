import { memoryRateLimits, rateLimit, retry, type RateLimitOptions, type RateLimitStore } from 'busline'
import { describe, expect, test } from 'vitest'
import { idle, rejection, thrownBy } from '../bus/fixtures/promises.ts'
import { clockedBus } from './fixtures/clocked-bus.ts'
import { outcomeOf, Work, Worked } from './fixtures/work.ts'

/** A bus that writes down which Work began when, in milliseconds from the start. */
function paced(options: RateLimitOptions) {
  const { bus, clock } = clockedBus()
  const begun: [n: number, at: number][] = []
  bus.use(rateLimit(options), { for: [Work] })
  bus.handle(Work, ({ n }) => {
    begun.push([n, clock.now() - 1000])
    return n
  })
  return { bus, clock, begun }
}

const FIVE = { limit: 5, per: 1000 }

describe('rateLimit', () => {
  test('lets a burst through, then one after another as tokens come, in order', async () => {
    const { bus, clock, begun } = paced({ limit: 2, per: 1000 })
    for (const n of [1, 2, 3, 4]) void bus.execute(Work, { n })
    await clock.advance(10_000)

    expect(begun).toEqual([
      [1, 0],
      [2, 0],
      [3, 500],
      [4, 1000],
    ])
  })

  test('with a burst of 1 never begins more than the limit in any window', async () => {
    const { bus, clock, begun } = paced({ ...FIVE, burst: 1 })
    for (let n = 0; n < 20; n++) void bus.execute(Work, { n })
    await clock.advance(10_000)

    const times = begun.map(([, at]) => at)
    expect(times).toHaveLength(20)
    for (const from of times)
      expect(times.filter((at) => at >= from && at < from + 1000).length).toBeLessThanOrEqual(5)
  })

  test('takes as many tokens as a message costs', async () => {
    const cost = ({ data }: { data: unknown }): number => JSON.stringify(data).length - 6
    const { bus, clock, begun } = paced({ limit: 3, per: 300, cost })
    for (const n of [10, 100, 1]) void bus.execute(Work, { n })
    await clock.advance(1000)

    expect(begun).toEqual([
      [10, 0],
      [100, 200],
      [1, 300],
    ])
  })

  test('without a queue refuses with RATE_LIMITED, which tells how long to wait', async () => {
    const { bus } = paced({ limit: 1, per: 1000, queue: 0 })
    await bus.execute(Work, { n: 1 })

    expect(await rejection(bus.execute(Work, { n: 2 }))).toMatchObject({
      code: 'RATE_LIMITED',
      data: { key: 'things.work', retryAfter: 1000 },
    })
  })

  test('with a full queue refuses, and tells when the first of the queue goes on', async () => {
    const { bus, clock } = paced({ limit: 1, per: 1000, queue: 2 })
    for (const n of [1, 2, 3]) void bus.execute(Work, { n })
    await clock.advance(400)

    expect(await rejection(bus.execute(Work, { n: 4 }))).toMatchObject({
      code: 'RATE_LIMITED',
      data: { retryAfter: 600 },
    })
  })

  test('inside of a retry is waited for', async () => {
    const { bus, clock } = clockedBus()
    bus.use(retry(), { for: [Work] })
    bus.use(rateLimit({ limit: 1, per: 1000, queue: 0 }), { for: [Work] })
    bus.handle(Work, ({ n }) => n)
    const outcomes = [1, 2].map((n) => outcomeOf(bus.execute(Work, { n })))
    await clock.advance(1000)

    expect(outcomes).toEqual([{ now: 1 }, { now: 2 }])
  })

  test('lets one that waits leave at once when it is cancelled, and takes no token for it', async () => {
    const { bus, clock, begun } = paced({ limit: 1, per: 1000 })
    const cancels = [2, 3].map(() => new AbortController())
    void bus.execute(Work, { n: 1 })
    const outcomes = cancels.map(({ signal }, at) => outcomeOf(bus.execute(Work, { n: at + 2 }, { signal })))
    void bus.execute(Work, { n: 4 })
    await clock.advance(100)
    for (const cancel of cancels) cancel.abort()
    await clock.advance(0)
    expect(outcomes).toEqual([{ now: 'CANCELLED' }, { now: 'CANCELLED' }])

    await clock.advance(2000)
    expect(begun).toEqual([
      [1, 0],
      [4, 1000],
    ])
  })

  test('has a deaf handler that waited for its turn and its token given up at once', async () => {
    const { bus, clock } = clockedBus()
    const begun: number[] = []
    bus.use(rateLimit({ limit: 1, per: 50 }), { for: [Work] })
    bus.handle(Work, ({ n }) => {
      begun.push(n)
      return n === 1 ? n : new Promise<number>(() => undefined)
    })
    const outcomes = [1, 2, 3].map((n) => outcomeOf(bus.execute(Work, { n }, { timeout: 200 })))
    await clock.advance(200)

    expect(begun).toEqual([1, 2, 3])
    expect(outcomes).toEqual([{ now: 1 }, { now: 'TIMED_OUT' }, { now: 'TIMED_OUT' }])
  })

  test('with a full queue and a clock that was set back tells no longer a wait than there is', async () => {
    const { bus, clock } = paced({ limit: 1, per: 1000, queue: 1 })
    for (const n of [1, 2]) void bus.execute(Work, { n })
    await clock.advance(0)
    clock.jump(-3_600_000)

    expect(await rejection(bus.execute(Work, { n: 3 }))).toMatchObject({
      code: 'RATE_LIMITED',
      data: { retryAfter: 1000 },
    })
  })

  test('has a bucket for each key', async () => {
    const { bus, clock, begun } = paced({ limit: 1, per: 1000, key: ({ session }) => session ?? 'none' })
    for (const session of ['s1', 's2', 's1'])
      void bus.session(session).execute(Work, { n: Number(session[1]) })
    await clock.advance(1000)

    expect(begun).toEqual([
      [1, 0],
      [2, 0],
      [1, 1000],
    ])
  })

  test('paces the deliveries of an event', async () => {
    const { bus, clock } = clockedBus()
    const heard: number[] = []
    bus.use(rateLimit({ limit: 1, per: 100 }), { for: [Worked] })
    bus.on(Worked, () => void heard.push(clock.now() - 1000))
    for (const n of [1, 2, 3]) bus.publish(Worked, { n })
    await clock.advance(1000)

    expect(heard).toEqual([0, 100, 200])
  })

  test('shares a limit with another bus through a store that answers later', async () => {
    const buckets = memoryRateLimits()
    const store: RateLimitStore = {
      take: async (...asked) => {
        await Promise.resolve()
        return buckets.take(...asked)
      },
    }
    const one = paced({ ...FIVE, burst: 1, store })
    const other = paced({ ...FIVE, burst: 1, store })
    for (let n = 0; n < 5; n++) for (const { bus } of [one, other]) void bus.execute(Work, { n })
    for (let ms = 0; ms < 3000; ms += 100) {
      await one.clock.advance(100)
      await other.clock.advance(100)
    }

    const times = [...one.begun, ...other.begun].map(([, at]) => at).toSorted((a, b) => a - b)
    expect(times).toHaveLength(10)
    for (const from of times)
      expect(times.filter((at) => at >= from && at < from + 1000).length).toBeLessThanOrEqual(5)
  })

  test('does not begin what was given up while a store was asked', async () => {
    const { bus, begun } = paced({ ...FIVE, store: { take: () => idle(3).then(() => 0) } })
    const cancel = new AbortController()
    const outcome = outcomeOf(bus.execute(Work, { n: 1 }, { signal: cancel.signal }))
    await idle(1)
    cancel.abort()
    await idle(5)

    expect(outcome.now).toBe('CANCELLED')
    expect(begun).toEqual([])
  })

  test('fails with what its store fails with, and goes on with the next', async () => {
    let calls = 0
    const store = {
      take: () => {
        if (calls++ === 0) throw new Error('no store')
        return 0
      },
    }
    const { bus } = paced({ ...FIVE, store })

    expect(await rejection(bus.execute(Work, { n: 1 }))).toMatchObject({ message: 'no store' })
    expect(await bus.execute(Work, { n: 2 })).toBe(2)
  })

  test.each([6, -1, NaN])('refuses a message that costs %d where a full bucket holds 5', async (price) => {
    const { bus } = paced({ ...FIVE, cost: () => price })
    expect(await rejection(bus.execute(Work, { n: 1 }))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option: 'cost' },
    })
  })

  test.each<[RateLimitOptions, string]>([
    [{ limit: 0, per: 1 }, 'limit'],
    [{ limit: 0.5, per: 1 }, 'limit'],
    [{ limit: 1, per: 0 }, 'per'],
    [{ limit: 1, per: Infinity }, 'per'],
    [{ ...FIVE, burst: 0 }, 'burst'],
    [{ ...FIVE, queue: -1 }, 'queue'],
  ])('refuses %j', (options, option) => {
    expect(thrownBy(() => rateLimit(options))).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
  })
})
