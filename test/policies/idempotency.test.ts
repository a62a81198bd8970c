import {
  defineCommand,
  idempotency,
  memoryOutcomes,
  OutcomeNotStored,
  retry,
  timeout,
  type IdempotencyOptions,
  type IdempotencyStore,
} from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { deferred, idle, rejection, thrownBy, type Deferred } from '../bus/fixtures/promises.ts'
import { recordsOf } from '../bus/fixtures/recorded-bus.ts'
import { clockedBus } from './fixtures/clocked-bus.ts'
import { Delegate, outcomeOf, Work, Worked } from './fixtures/work.ts'

/** A bus whose handler of Work waits until the test ends it; every call has the key `k` unless told otherwise. */
function once(options: Partial<IdempotencyOptions> = {}) {
  const { bus, clock, journal } = clockedBus()
  const ends: Deferred<number>[] = []
  bus.use(idempotency({ key: () => 'k', ...options }), { for: [Work] })
  bus.handle(Work, () => {
    const end = deferred<number>()
    ends.push(end)
    return end.promise
  })
  return { bus, clock, journal, ends }
}

/** The same, but the handler answers at once: with the number of the call. */
function counted(options: Partial<IdempotencyOptions> = {}) {
  const { bus, clock, journal } = clockedBus()
  let calls = 0
  bus.use(idempotency({ key: () => 'k', ...options }), { for: [Work] })
  bus.handle(Work, () => ++calls)
  return { bus, clock, journal }
}

describe('idempotency', () => {
  test('answers the same key and input with the stored outcome', async () => {
    const { bus, journal } = counted()

    expect(await bus.execute(Work, { n: 1 })).toBe(1)
    expect(await bus.execute(Work, { n: 1 })).toBe(1)
    expect(recordsOf(journal, 'result')).toMatchObject([{ output: 1 }, { output: 1 }])
  })

  test('refuses the same key with another input, when the first has ended and while it runs', async () => {
    const { bus, ends } = once()
    const first = bus.execute(Work, { n: 1 })
    await idle()
    expect(await rejection(bus.execute(Work, { n: 2 }))).toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
      data: { key: 'things.work k' },
    })

    ends[0]?.resolve(7)
    expect(await first).toBe(7)
    expect(await rejection(bus.execute(Work, { n: 2 }))).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
  })

  test('lets those that come while the first one runs share its outcome', async () => {
    const { bus, ends } = once()
    const outcomes = [1, 1, 1].map((n) => outcomeOf(bus.execute(Work, { n })))
    await idle()
    expect(ends).toHaveLength(1)

    ends[0]?.resolve(7)
    await idle()
    expect(outcomes).toEqual([{ now: 7 }, { now: 7 }, { now: 7 }])
  })

  test('shares a failure with those that came while it ran, but does not store it', async () => {
    const { bus, ends } = once()
    const outcomes = [1, 1].map((n) => outcomeOf(bus.execute(Work, { n })))
    await idle()
    ends[0]?.reject(new Error('broken'))
    await idle()
    expect(outcomes).toEqual([{ now: 'broken' }, { now: 'broken' }])

    const third = outcomeOf(bus.execute(Work, { n: 2 }))
    await idle()
    ends[1]?.resolve(7)
    await idle()
    expect(third.now).toBe(7)
  })

  test('lets one that joined take the place of a first one that was cancelled', async () => {
    const { bus, ends } = once()
    const cancel = new AbortController()
    const first = outcomeOf(bus.execute(Work, { n: 1 }, { signal: cancel.signal }))
    const others = [1, 1].map((n) => outcomeOf(bus.execute(Work, { n })))
    await idle()
    cancel.abort()
    ends[0]?.reject(new Error('aborted'))
    await idle()
    expect(first.now).toBe('CANCELLED')
    expect(ends).toHaveLength(2)

    ends[1]?.resolve(7)
    await idle()
    expect(others).toEqual([{ now: 7 }, { now: 7 }])
  })

  test('refuses the others while a first one that was given up goes on', async () => {
    const { bus, clock, ends } = once()
    const first = outcomeOf(bus.execute(Work, { n: 1 }, { timeout: 10 }))
    const joined = outcomeOf(bus.execute(Work, { n: 1 }))
    await clock.advance(10)
    const later = outcomeOf(bus.execute(Work, { n: 1 }))
    await clock.advance(999)
    expect([first.now, joined.now, later.now]).toEqual(['TIMED_OUT', 'pending', 'pending'])

    await clock.advance(1)
    expect([joined.now, later.now]).toEqual(['IDEMPOTENCY_CONFLICT', 'IDEMPOTENCY_CONFLICT'])
    expect(await rejection(bus.execute(Work, { n: 1 }))).toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
      data: { key: 'things.work k', running: 'run-1' },
    })
    expect(ends).toHaveLength(1)
    expect(clock.pending).toBe(0)
  })

  test.each([
    ['answers with the outcome of one that was given up once there is one', 7, 7],
    ['runs again once one that was given up has failed', new Error('broken'), 8],
  ])('%s', async (_, end, outcome) => {
    const { bus, clock, ends } = once()
    outcomeOf(bus.execute(Work, { n: 1 }, { timeout: 10 }))
    await clock.advance(2000)
    if (typeof end === 'number') ends[0]?.resolve(end)
    else ends[0]?.reject(end)
    await idle()
    const second = outcomeOf(bus.execute(Work, { n: 1 }))
    await idle()
    ends[1]?.resolve(8)
    await idle()

    expect(second.now).toBe(outcome)
  })

  test('runs again, once, when one that was given up has not ended for the ttl', async () => {
    const { bus, clock, ends } = once({ ttl: 5000 })
    outcomeOf(bus.execute(Work, { n: 1 }, { timeout: 10 }))
    await clock.advance(1010 + 4999)
    expect(await rejection(bus.execute(Work, { n: 1 }))).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })

    await clock.advance(1)
    const others = [1, 1].map((n) => outcomeOf(bus.execute(Work, { n })))
    await idle()
    expect(ends).toHaveLength(2)
    ends[0]?.reject(new Error('at last'))
    await idle()
    others.push(outcomeOf(bus.execute(Work, { n: 1 })))
    await idle()
    expect(ends).toHaveLength(2)

    ends[1]?.resolve(7)
    await idle()
    expect(others).toEqual([{ now: 7 }, { now: 7 }, { now: 7 }])
  })

  test('takes what a timeout inside has given up for ended, so that the next may overlap with it', async () => {
    const { bus, clock, ends } = once()
    bus.use(timeout(10), { for: [Work] })
    const first = outcomeOf(bus.execute(Work, { n: 1 }))
    const joined = outcomeOf(bus.execute(Work, { n: 1 }))
    await clock.advance(10)
    expect([first.now, joined.now]).toEqual(['TIMED_OUT', 'TIMED_OUT'])

    void outcomeOf(bus.execute(Work, { n: 1 }))
    await idle()
    expect(ends).toHaveLength(2)
  })

  test('runs the next at once when the first one was given up before its handler began', async () => {
    const found = deferred<undefined>()
    let asked = 0
    const { bus, clock, ends } = once({
      store: { get: () => (asked++ === 0 ? found.promise : undefined), set: () => undefined },
    })
    const first = outcomeOf(bus.execute(Work, { n: 1 }, { timeout: 10 }))
    const second = outcomeOf(bus.execute(Work, { n: 1 }))
    await clock.advance(10)
    expect([first.now, ends.length]).toEqual(['TIMED_OUT', 1])

    found.resolve(undefined)
    await idle()
    ends[0]?.resolve(7)
    await idle()
    expect([second.now, ends.length]).toEqual([7, 1])
  })

  test('leaves no timer behind when a first one that was cancelled ends in time', async () => {
    const { bus, clock, ends } = once()
    outcomeOf(bus.execute(Work, { n: 1 }, { timeout: 10 }))
    await clock.advance(10)
    ends[0]?.resolve(7)
    await idle()

    expect(clock.pending).toBe(0)
    expect(await bus.execute(Work, { n: 1 })).toBe(7)
  })

  test('lets one that joined leave at once, also if a layer around it watches the signal', async () => {
    const { bus, clock } = clockedBus()
    bus.use((_, next, { signal }) => (signal.aborted ? undefined : next()), { for: [Work] })
    bus.use(idempotency({ key: () => 'k' }), { for: [Work] })
    bus.handle(Work, () => new Promise<number>(() => undefined))
    void bus.execute(Work, { n: 1 })
    const second = outcomeOf(bus.execute(Work, { n: 1 }, { timeout: 10 }))
    await clock.advance(10)

    expect(second.now).toBe('TIMED_OUT')
  })

  test('lets one that joined leave by itself', async () => {
    const { bus, ends } = once()
    const cancel = new AbortController()
    const first = outcomeOf(bus.execute(Work, { n: 1 }))
    const second = outcomeOf(bus.execute(Work, { n: 1 }, { signal: cancel.signal }))
    await idle()
    cancel.abort()
    await idle()
    expect(second.now).toBe('CANCELLED')

    ends[0]?.resolve(7)
    await idle()
    expect(first.now).toBe(7)
    expect(ends).toHaveLength(1)
  })

  test('lets a retry join the attempt that a timeout left behind', async () => {
    const { bus, clock } = clockedBus()
    const end = deferred<number>()
    let calls = 0
    bus.use(retry({ delay: 0 }), { for: [Work] })
    bus.use(timeout(50), { for: [Work] })
    bus.use(idempotency({ key: () => 'k' }), { for: [Work] })
    bus.handle(Work, () => {
      calls++
      return end.promise
    })
    const outcome = outcomeOf(bus.execute(Work, { n: 1 }))
    await clock.advance(60)
    end.resolve(7)
    await clock.advance(0)

    expect([outcome.now, calls]).toEqual([7, 1])
  })

  test('refuses to join one that waits for it', async () => {
    const { bus } = clockedBus()
    bus.use(idempotency({ key: () => 'k' }), { for: [Work] })
    bus.handle(Work, ({ n }, scope) => scope.execute(Delegate, { n }))
    bus.handle(Delegate, ({ n }, scope) => scope.execute(Work, { n }))

    expect(await rejection(bus.execute(Work, { n: 1 }))).toMatchObject({ code: 'SELF_WAIT' })
  })

  test('has keys for each type', async () => {
    const { bus } = clockedBus()
    bus.use(idempotency({ key: () => 'k' }))
    bus.handle(Work, ({ n }) => n)
    bus.handle(Delegate, ({ n }) => n * 10)

    expect([await bus.execute(Work, { n: 1 }), await bus.execute(Delegate, { n: 1 })]).toEqual([1, 10])
  })

  test('answers for a command without an output, whether it has ended or still runs', async () => {
    const Mail = defineCommand('mail.send', { input: z.string(), output: z.undefined() })
    const { bus, journal } = clockedBus()
    bus.use(idempotency({ key: () => 'k' }))
    let sent = 0
    bus.handle(Mail, async () => {
      await idle()
      sent++
    })
    const [first, joined] = await Promise.all([bus.execute(Mail, 'hi'), bus.execute(Mail, 'hi')])

    expect([first, joined, await bus.execute(Mail, 'hi')]).toEqual([undefined, undefined, undefined])
    expect(sent).toBe(1)
    expect(recordsOf(journal, 'result').map(({ status }) => status)).toEqual(['ok', 'ok', 'ok'])
  })

  test('leaves alone what has no key', async () => {
    const { bus } = counted({ key: () => undefined })

    expect([await bus.execute(Work, { n: 1 }), await bus.execute(Work, { n: 1 })]).toEqual([1, 2])
  })

  test('leaves every subscriber its delivery', async () => {
    const { bus } = clockedBus()
    const heard: string[] = []
    bus.use(idempotency({ key: () => 'k' }))
    for (const name of ['a', 'b']) bus.on(Worked, () => void heard.push(name), { name })
    await bus.publish(Worked, { n: 1 }).settled
    await bus.publish(Worked, { n: 1 }).settled

    expect(heard).toEqual(['a', 'b', 'a', 'b'])
  })

  test('forgets after its ttl, and the oldest over its capacity', async () => {
    const { bus, clock } = counted({ ttl: 100, capacity: 1, key: ({ data }) => JSON.stringify(data) })
    const call = (n: number): Promise<number> => bus.execute(Work, { n })
    expect([await call(1), await call(1)]).toEqual([1, 1])
    await clock.advance(100)
    expect([await call(1), await call(2), await call(1)]).toEqual([2, 3, 4])
  })

  test('with a store of its own answers what another bus has done, as after a restart', async () => {
    const store = memoryOutcomes()
    await counted({ store }).bus.execute(Work, { n: 1 })
    const { bus, ends } = once({ store })

    expect(await bus.execute(Work, { n: 1 })).toBe(1)
    expect(await rejection(bus.execute(Work, { n: 2 }))).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
    expect(ends).toEqual([])
  })

  test('does not blame the one that is right when a slow store is asked for a wrong one first', async () => {
    const stored = { input: '', output: 7 }
    const outcomes = memoryOutcomes()
    const slow: IdempotencyStore = {
      get: (key, now) => idle(2).then(() => outcomes.get(key, now)),
      set: (key, outcome, expires) => outcomes.set(key, { ...stored, ...outcome }, expires),
    }
    await counted({ store: slow }).bus.execute(Work, { n: 1 })
    const { bus } = counted({ store: slow })
    const outcomesNow = [2, 1].map((n) => outcomeOf(bus.execute(Work, { n })))
    await idle(10)

    expect(outcomesNow).toEqual([{ now: 'IDEMPOTENCY_CONFLICT' }, { now: 1 }])
  })

  test('does not run a command whose outcome may be in a store that can not be read', async () => {
    const { bus, ends } = once({
      store: { get: () => Promise.reject(new Error('no store')), set: () => undefined },
    })

    expect(await rejection(bus.execute(Work, { n: 1 }))).toMatchObject({ message: 'no store' })
    expect(ends).toEqual([])
  })

  test('lets a command succeed whose outcome can not be stored, and tells', async () => {
    const { bus, journal } = counted({
      store: { get: () => undefined, set: () => Promise.reject(new Error('disk full')) },
    })

    expect(await bus.execute(Work, { n: 1 })).toBe(1)
    expect(recordsOf(journal, 'event', OutcomeNotStored.type)).toMatchObject([
      {
        data: {
          message: { id: 'run-1', type: 'things.work' },
          key: 'things.work k',
          error: { message: 'disk full' },
        },
      },
    ])
  })

  test.each<[Partial<IdempotencyOptions>, string]>([
    [{ ttl: 0 }, 'ttl'],
    [{ ttl: NaN }, 'ttl'],
    [{ capacity: 0 }, 'capacity'],
    [{ capacity: 1, store: memoryOutcomes() }, 'capacity'],
  ])('refuses %j', (options, option) => {
    expect(thrownBy(() => idempotency({ key: () => 'k', ...options }))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option },
    })
  })
})
