import {
  circuitBreaker,
  CircuitClosed,
  CircuitHalfOpened,
  CircuitOpened,
  retry,
  type CircuitBreakerOptions,
} from 'busline'
import { describe, expect, test } from 'vitest'
import { rejection, thrownBy } from '../bus/fixtures/promises.ts'
import { recordsOf } from '../bus/fixtures/recorded-bus.ts'
import { clockedBus } from './fixtures/clocked-bus.ts'
import { coded, outcomeOf, Work, Worked } from './fixtures/work.ts'

const broken = new Error('broken')

/** A bus whose handler fails as long as it is told to; `n` calls of it. */
function breakable(options: CircuitBreakerOptions) {
  const { bus, clock, journal } = clockedBus()
  const handler: { calls: number; fails: unknown } = { calls: 0, fails: broken }
  bus.use(circuitBreaker(options), { for: [Work] })
  bus.handle(Work, ({ n }) => {
    handler.calls++
    if (handler.fails !== undefined) throw handler.fails
    return n
  })
  const call = async (n = 1): Promise<unknown> => {
    const outcome = outcomeOf(bus.execute(Work, { n }))
    await clock.advance(0)
    return outcome.now
  }
  return { bus, clock, journal, handler, call }
}

describe('circuitBreaker', () => {
  test('opens after 5 failures, refuses with CIRCUIT_OPEN, and closes after a probe', async () => {
    const { bus, clock, journal, handler, call } = breakable({})
    for (let n = 0; n < 5; n++) expect(await call()).toBe('broken')
    expect(await rejection(bus.execute(Work, { n: 1 }))).toMatchObject({
      code: 'CIRCUIT_OPEN',
      data: { key: 'things.work', retryAfter: 30_000 },
    })
    expect(handler.calls).toBe(5)

    handler.fails = undefined
    await clock.advance(29_999)
    expect(await call()).toBe('CIRCUIT_OPEN')
    await clock.advance(1)
    expect(await call(7)).toBe(7)
    expect(await call(8)).toBe(8)

    const changes = [CircuitOpened, CircuitHalfOpened, CircuitClosed].map(({ type }) =>
      recordsOf(journal, 'event', type).map(({ data }) => data),
    )
    expect(changes).toEqual([
      [{ key: 'things.work', failures: 5, cooldown: 30_000 }],
      [{ key: 'things.work' }],
      [{ key: 'things.work' }],
    ])
  })

  test.each(['CANCELLED', 'VALIDATION_FAILED', 'APPROVAL_DENIED', 'NO_HANDLER'] as const)(
    'does not count %s',
    async (code) => {
      const { handler, call } = breakable({ failures: 1 })
      handler.fails = coded(code)
      await call()
      expect(await call()).toBe(code)
    },
  )

  test('does not count what fails after the caller has cancelled it, whatever it fails with', async () => {
    const { bus, clock } = clockedBus()
    bus.use(circuitBreaker({ failures: 1 }), { for: [Work] })
    bus.handle(
      Work,
      (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(broken))),
    )
    const cancel = new AbortController()
    const first = outcomeOf(bus.execute(Work, { n: 1 }, { signal: cancel.signal }))
    cancel.abort()
    await clock.advance(0)
    const second = outcomeOf(bus.execute(Work, { n: 1 }))
    await clock.advance(0)

    expect([first.now, second.now]).toEqual(['broken', 'pending'])
  })

  test('counts the timeout of the command, also of a handler that takes no notice, without delaying it', async () => {
    const { bus, clock } = clockedBus()
    bus.use(circuitBreaker({ failures: 1 }), { for: [Work] })
    bus.handle(Work, () => new Promise<number>(() => undefined))
    const first = outcomeOf(bus.execute(Work, { n: 1 }, { timeout: 50 }))
    await clock.advance(50)
    expect(first.now).toBe('TIMED_OUT')

    expect(await rejection(bus.execute(Work, { n: 1 }))).toMatchObject({ code: 'CIRCUIT_OPEN' })
  })

  test('counts only the failures that its predicate names', async () => {
    const { handler, call } = breakable({ failures: 1, when: (error) => error !== broken })
    await call()
    expect(await call()).toBe('broken')

    handler.fails = new Error('worse')
    await call()
    expect(await call()).toBe('CIRCUIT_OPEN')
  })

  test('counts a failure about which its predicate throws, tells of both, and closes after a probe', async () => {
    const { bus, clock, handler, call } = breakable({
      failures: 2,
      when: () => {
        throw new TypeError('no response')
      },
    })
    expect(await rejection(bus.execute(Work, { n: 1 }))).toMatchObject({
      code: 'HANDLER_FAILED',
      message: 'circuitBreaker.when threw: no response',
      cause: broken,
    })
    expect([await call(), await call()]).toEqual(['HANDLER_FAILED', 'CIRCUIT_OPEN'])

    handler.fails = undefined
    await clock.advance(30_000)
    expect([await call(7), await call(8)]).toEqual([7, 8])
  })

  test('about whose failures the predicate throws is idle afterwards, so that it leaves before an open one', async () => {
    const { handler, call, bus } = breakable({
      failures: 2,
      key: ({ data }) => JSON.stringify(data),
      when: (error) => {
        if (error === broken) return true
        throw new TypeError('no response')
      },
    })
    await call(-1)
    await call(-1)
    handler.fails = new Error('worse')
    for (let n = 0; n < 10_100; n++) await rejection(bus.execute(Work, { n }))

    expect(await call(-1)).toBe('CIRCUIT_OPEN')
  })

  test('has a circuit for each key', async () => {
    const { call } = breakable({ failures: 1, key: ({ data }) => JSON.stringify(data) })
    await call(1)

    expect(await call(1)).toBe('CIRCUIT_OPEN')
    expect(await call(2)).toBe('broken')
  })

  test('of a subscriber that fails does not keep events from the others', async () => {
    const { bus, clock } = clockedBus()
    const heard: number[] = []
    bus.use(circuitBreaker({ failures: 2 }), { for: [Worked] })
    bus.on(
      Worked,
      () => {
        throw broken
      },
      { name: 'broken' },
    )
    bus.on(Worked, ({ n }) => void heard.push(n), { name: 'healthy' })
    for (const n of [1, 2, 3, 4]) bus.publish(Worked, { n })
    await clock.advance(0)

    expect(heard).toEqual([1, 2, 3, 4])
    expect(bus.deadLetters.list().map(({ error }) => error.code)).toEqual([
      'HANDLER_FAILED',
      'HANDLER_FAILED',
      'CIRCUIT_OPEN',
      'CIRCUIT_OPEN',
    ])
  })

  test('tells a retry around it how long to wait', async () => {
    const { bus, clock } = clockedBus()
    const begun: number[] = []
    bus.use(retry({ attempts: 4, delay: 0 }), { for: [Work] })
    bus.use(circuitBreaker({ failures: 2, cooldown: 500 }), { for: [Work] })
    bus.handle(Work, ({ n }) => {
      begun.push(clock.now() - 1000)
      if (begun.length <= 2) throw broken
      return n
    })
    const outcome = outcomeOf(bus.execute(Work, { n: 7 }))
    await clock.advance(1000)

    expect(begun).toEqual([0, 0, 500])
    expect(outcome.now).toBe(7)
  })

  test('forgets the circuits that were used least when there are more than 10 000, but no open one before', async () => {
    const { handler, call, bus } = breakable({ failures: 1, key: ({ data }) => JSON.stringify(data) })
    await call(-1)
    handler.fails = undefined
    for (let n = 0; n < 10_100; n++) await bus.execute(Work, { n })

    expect(await call(-1)).toBe('CIRCUIT_OPEN')
  })

  test.each<[CircuitBreakerOptions, string]>([
    [{ failures: 0 }, 'failures'],
    [{ failures: 2.5 }, 'failures'],
    [{ window: 0 }, 'window'],
    [{ window: Infinity }, 'window'],
    [{ cooldown: -1 }, 'cooldown'],
    [{ cooldown: NaN }, 'cooldown'],
    [{ probes: 0 }, 'probes'],
  ])('refuses %j', (options, option) => {
    expect(thrownBy(() => circuitBreaker(options))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option },
    })
  })
})
