import { getEventListeners } from 'node:events'
import { concurrencyLimit, retry, timeout, type ConcurrencyLimitOptions } from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deferred, idle, rejection, thrownBy, type Deferred } from '../bus/fixtures/promises.ts'
import { clockedBus } from './fixtures/clocked-bus.ts'
import { Delegate, outcomeOf, Work, Worked } from './fixtures/work.ts'

/** A bus whose handler of Work waits until the test lets it go; `begun` in order. */
function limited(limit: number, options?: ConcurrencyLimitOptions) {
  const { bus, clock } = clockedBus()
  const begun: number[] = []
  const going = new Map<number, Deferred<number>>()
  bus.use(concurrencyLimit(limit, options), { for: [Work] })
  bus.handle(Work, ({ n }) => {
    begun.push(n)
    const end = deferred<number>()
    going.set(n, end)
    return end.promise
  })
  const finish = async (n: number): Promise<void> => {
    going.get(n)?.resolve(n)
    going.delete(n)
    await idle(1)
  }
  return { bus, clock, begun, going, finish }
}

describe('concurrencyLimit', () => {
  test('lets so many run at once, and the others in order as they come free', async () => {
    const { bus, begun, finish } = limited(2)
    for (const n of [1, 2, 3, 4]) void bus.execute(Work, { n })
    await idle()
    expect(begun).toEqual([1, 2])

    await finish(2)
    expect(begun).toEqual([1, 2, 3])
    await finish(1)
    expect(begun).toEqual([1, 2, 3, 4])
  })

  test('never exceeds the limit and serves everybody in order, whoever fails or leaves', async () => {
    const step = fc.oneof(
      fc.record({ does: fc.constant('call'), fails: fc.boolean() }),
      fc.record({ does: fc.constant('finish'), which: fc.nat(5) }),
      fc.record({ does: fc.constant('cancel'), which: fc.nat(20) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 40 }),
        async (limit, steps) => {
          const { bus } = clockedBus()
          const going = new Map<number, () => void>()
          const begun: number[] = []
          const calls: { cancel: AbortController; outcome: { now: unknown }; n: number }[] = []
          bus.use(concurrencyLimit(limit), { for: [Work] })
          bus.handle(Work, ({ n }) => {
            begun.push(n)
            return new Promise((resolve, reject) => {
              going.set(n, () => (fails.has(n) ? reject(new Error('broken')) : resolve(n)))
              expect(going.size).toBeLessThanOrEqual(limit)
            })
          })
          const fails = new Set<number>()
          const end = (which: number): void => {
            const [n, finish] = [...going][which % Math.max(1, going.size)] ?? []
            if (n === undefined || !finish) return
            going.delete(n)
            finish()
          }
          for (const one of steps) {
            if ('fails' in one) {
              const n = calls.length
              if (one.fails) fails.add(n)
              const cancel = new AbortController()
              calls.push({
                cancel,
                n,
                outcome: outcomeOf(bus.execute(Work, { n }, { signal: cancel.signal })),
              })
            } else if (one.does === 'finish') end(one.which)
            // Those that run ignore it, so that their permits are held on.
            else calls[one.which]?.cancel.abort()
            await idle(1)
          }
          while (going.size > 0) {
            end(0)
            await idle(1)
          }

          expect(begun).toEqual(begun.toSorted((a, b) => a - b))
          for (const { outcome, n, cancel } of calls) {
            expect(outcome.now).not.toBe('pending')
            if (!cancel.signal.aborted) expect(begun).toContain(n)
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  test('counts each key for itself', async () => {
    const { bus, begun } = limited(1, {
      key: ({ data }) => (JSON.stringify(data).includes('1') ? 'odd' : 'even'),
    })
    for (const n of [1, 11, 2]) void bus.execute(Work, { n })
    await idle()

    expect(begun).toEqual([1, 2])
  })

  test('with a full queue refuses with QUEUE_FULL', async () => {
    const { bus } = limited(1, { queue: 1 })
    void bus.execute(Work, { n: 1 })
    void bus.execute(Work, { n: 2 })

    expect(await rejection(bus.execute(Work, { n: 3 }))).toMatchObject({
      code: 'QUEUE_FULL',
      data: { key: 'things.work' },
    })
  })

  test('without a queue refuses whatever would wait', async () => {
    const { bus, begun, finish } = limited(1, { queue: 0 })
    void bus.execute(Work, { n: 1 })
    expect(await rejection(bus.execute(Work, { n: 2 }))).toMatchObject({ code: 'QUEUE_FULL' })

    await finish(1)
    void bus.execute(Work, { n: 3 })
    await idle()
    expect(begun).toEqual([1, 3])
  })

  test('lets one that waits leave at once when it is cancelled, and its place goes to the next', async () => {
    const { bus, clock, begun, finish } = limited(1, { queue: 1 })
    const cancel = new AbortController()
    void bus.execute(Work, { n: 1 })
    const second = outcomeOf(bus.execute(Work, { n: 2 }, { signal: cancel.signal }))
    await idle()
    cancel.abort()
    await idle()
    expect(second.now).toBe('CANCELLED')
    expect(clock.pending).toBe(0)

    void bus.execute(Work, { n: 3 })
    await finish(1)
    expect(begun).toEqual([1, 3])
  })

  test('begins nothing that is cancelled in the very moment in which its turn comes', async () => {
    const begunAfterCancel: number[] = []
    for (let ticks = 0; ticks < 20; ticks++) {
      const { bus, begun, finish } = limited(1)
      const cancel = new AbortController()
      void bus.execute(Work, { n: 1 })
      outcomeOf(bus.execute(Work, { n: 2 }, { signal: cancel.signal }))
      await idle()
      const finishing = finish(1)
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
      const hadBegun = begun.includes(2)
      cancel.abort()
      await finishing
      if (begun.includes(2) && !hadBegun) begunAfterCancel.push(ticks)
    }

    expect(begunAfterCancel).toEqual([])
  })

  test('has a deaf handler that waited given up at once, like one that did not wait', async () => {
    const { bus, clock, begun, finish } = limited(1)
    void bus.execute(Work, { n: 1 })
    const second = outcomeOf(bus.execute(Work, { n: 2 }, { timeout: 100 }))
    await clock.advance(20)
    await finish(1)
    await clock.advance(80)

    expect([begun, second.now]).toEqual([[1, 2], 'TIMED_OUT'])
  })

  test('leaves no listener on the signal of one that has waited', async () => {
    const { bus } = clockedBus()
    bus.use(concurrencyLimit(1), { for: [Work] })
    bus.handle(Work, async (_, { signal }) => {
      await idle()
      return getEventListeners(signal, 'abort').length
    })
    const { signal } = new AbortController()

    expect(await Promise.all([1, 2].map((n) => bus.execute(Work, { n }, { signal })))).toEqual([0, 0])
  })

  test('with many who wait makes Node warn of no leak', async () => {
    const warnings: Error[] = []
    const note = (warning: Error): void => void warnings.push(warning)
    process.on('warning', note)
    const { bus } = limited(1)
    for (let n = 0; n < 50; n++) void bus.execute(Work, { n })
    await idle()
    process.off('warning', note)

    expect(warnings).toEqual([])
  })

  test('gives a permit back when its holder fails', async () => {
    const { bus } = clockedBus()
    bus.use(concurrencyLimit(1), { for: [Work] })
    bus.handle(Work, ({ n }) => {
      if (n === 1) throw new Error('broken')
      return n
    })
    const outcomes = [1, 2].map((n) => outcomeOf(bus.execute(Work, { n })))
    await idle()

    expect(outcomes).toEqual([{ now: 'broken' }, { now: 2 }])
  })

  test('holds the permit of a command that was given up until its handler has really ended', async () => {
    const { bus, begun, finish } = limited(1)
    const cancel = new AbortController()
    const first = outcomeOf(bus.execute(Work, { n: 1 }, { signal: cancel.signal }))
    await idle()
    cancel.abort()
    void bus.execute(Work, { n: 2 })
    await idle()
    expect([first.now, begun]).toEqual(['CANCELLED', [1]])

    await finish(1)
    expect(begun).toEqual([1, 2])
  })

  test('inside of a retry and a timeout lets the next attempt wait for the one that was left behind', async () => {
    const { bus, clock } = clockedBus()
    const ends: Deferred<number>[] = []
    bus.use(retry({ delay: 0, attempts: 2 }), { for: [Work] })
    bus.use(timeout(50), { for: [Work] })
    bus.use(concurrencyLimit(1), { for: [Work] })
    bus.handle(Work, ({ n }) => {
      if (ends.length === 1) return n
      const end = deferred<number>()
      ends.push(end)
      return end.promise
    })
    const outcome = outcomeOf(bus.execute(Work, { n: 7 }))
    await clock.advance(60)
    expect(outcome.now).toBe('pending')

    ends[0]?.resolve(0)
    await clock.advance(0)
    expect(outcome.now).toBe(7)
  })
})

describe('a call inside of a holder', () => {
  /** Delegate runs Work inside of it, under one limit for both; `n` counts how deep. */
  function nested(limit: number) {
    const { bus, clock } = clockedBus()
    const ends: Deferred<void>[] = []
    bus.use(concurrencyLimit(limit, { key: () => 'all' }), { for: [Work, Delegate] })
    bus.handle(Work, ({ n }) => n)
    bus.handle(Delegate, async ({ n }, scope) => {
      const begin = deferred()
      ends.push(begin)
      await begin.promise
      return scope.execute(Work, { n })
    })
    const go = async (which: number): Promise<void> => {
      ends[which]?.resolve()
      await idle()
    }
    return { bus, clock, go }
  }

  test('takes a permit of its own while there is one', async () => {
    const { bus, go } = nested(2)
    const outcome = outcomeOf(bus.execute(Delegate, { n: 7 }))
    await go(0)
    expect(outcome.now).toBe(7)
  })

  test('fails with SELF_WAIT when its own callers hold every permit', async () => {
    const { bus, go } = nested(1)
    const failing = rejection(bus.execute(Delegate, { n: 7 }))
    await go(0)

    expect(await failing).toMatchObject({ code: 'SELF_WAIT', data: { key: 'all' } })
    expect(await bus.execute(Work, { n: 1 })).toBe(1)
  })

  test('waits while a stranger holds a permit', async () => {
    const { bus, go } = nested(2)
    const outcomes = [1, 2].map((n) => outcomeOf(bus.execute(Delegate, { n })))
    await go(0)
    expect(outcomes).toEqual([{ now: 'pending' }, { now: 'pending' }])
  })

  test('fails with SELF_WAIT when the stranger then waits too, and so lets the first one go on', async () => {
    const { bus, go } = nested(2)
    const outcomes = [1, 2].map((n) => outcomeOf(bus.execute(Delegate, { n })))
    await go(0)
    await go(1)

    expect(outcomes).toEqual([{ now: 1 }, { now: 'SELF_WAIT' }])
  })

  test('that has left the queue is waited for no more', async () => {
    const { bus } = clockedBus()
    const cancel = new AbortController()
    const end = deferred()
    bus.use(concurrencyLimit(2, { key: () => 'all' }), { for: [Work, Delegate] })
    bus.handle(Work, ({ n }) => n)
    bus.handle(Delegate, async ({ n }, scope) => {
      await idle()
      if (n === 2) return idle(10).then(() => scope.execute(Work, { n }))
      await rejection(scope.execute(Work, { n }, { signal: cancel.signal }))
      await end.promise
      return n
    })
    const outcomes = [1, 2].map((n) => outcomeOf(bus.execute(Delegate, { n })))
    await idle(8)
    cancel.abort()
    await idle(20)
    expect(outcomes).toEqual([{ now: 'pending' }, { now: 'pending' }])

    end.resolve()
    await idle()
    expect(outcomes).toEqual([{ now: 1 }, { now: 2 }])
  })

  test('through limits of its own is still inside', async () => {
    const { bus } = clockedBus()
    bus.use(timeout(1000))
    bus.use(concurrencyLimit(1, { key: () => 'all' }), { for: [Work, Delegate] })
    bus.use(timeout(1000))
    bus.handle(Work, ({ n }) => n)
    bus.handle(Delegate, ({ n }, scope) => scope.execute(Work, { n }, { timeout: 500 }))

    expect(await rejection(bus.execute(Delegate, { n: 1 }))).toMatchObject({ code: 'SELF_WAIT' })
  })

  test('of a delivery waits, because the publisher does not wait for the delivery', async () => {
    const { bus } = clockedBus()
    const heard: number[] = []
    bus.use(concurrencyLimit(1, { key: () => 'all' }), { for: [Work, Delegate] })
    bus.handle(Work, ({ n }) => n)
    bus.handle(Delegate, async ({ n }, scope) => {
      scope.publish(Worked, { n })
      await idle()
      return n
    })
    bus.on(Worked, async ({ n }, scope) => void heard.push(await scope.execute(Work, { n })))
    await bus.execute(Delegate, { n: 7 })
    await idle()

    expect(heard).toEqual([7])
  })

  test('of a delivery fails with SELF_WAIT when the publisher does wait for it', async () => {
    const { bus } = clockedBus()
    const errors: unknown[] = []
    bus.use(concurrencyLimit(1, { key: () => 'all' }), { for: [Work, Delegate] })
    bus.handle(Work, ({ n }) => n)
    bus.handle(Delegate, async ({ n }, scope) => (await scope.publish(Worked, { n }).settled).delivered)
    bus.on(Worked, async ({ n }, scope) => void errors.push(await rejection(scope.execute(Work, { n }))))

    expect(await bus.execute(Delegate, { n: 7 })).toBe(1)
    expect(errors).toMatchObject([{ code: 'SELF_WAIT' }])
  })

  test('limits deliveries per subscriber', async () => {
    const { bus } = clockedBus()
    const begun: string[] = []
    bus.use(concurrencyLimit(1), { for: [Worked] })
    for (const name of ['slow', 'other'])
      bus.on(
        Worked,
        ({ n }) => {
          begun.push(`${name} ${n}`)
          return name === 'slow' ? new Promise(() => undefined) : undefined
        },
        { name, key: ({ id }) => id },
      )
    for (const n of [1, 2]) bus.publish(Worked, { n })
    await idle()

    expect(begun.toSorted()).toEqual(['other 1', 'other 2', 'slow 1'])
  })
})

test.each<[number, ConcurrencyLimitOptions, string]>([
  [0, {}, 'limit'],
  [1.5, {}, 'limit'],
  [NaN, {}, 'limit'],
  [1, { queue: -1 }, 'queue'],
  [1, { queue: 0.5 }, 'queue'],
])('concurrencyLimit refuses %j, %j', (limit, options, option) => {
  expect(thrownBy(() => concurrencyLimit(limit, options))).toMatchObject({
    code: 'INVALID_OPTION',
    data: { option },
  })
})
