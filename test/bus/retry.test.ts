import { BuslineError, DeliveryFailed, MessageBus, type RetryOptions, type SubscribeOptions } from 'busline'
import { virtualClock, type VirtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Greet, Greeted, Moved } from './fixtures/greeting.ts'
import { deferred, idle } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

/** A bus in a time of its own, and what it tells of failures. */
function timedBus(random = 0.5): {
  bus: MessageBus
  timers: VirtualClock
  journal: ReturnType<typeof recordedBus>['journal']
  told: [attempt: number, retryIn: number | undefined][]
} {
  const timers = virtualClock({ start: 0 })
  const { bus, journal } = recordedBus({ now: timers.now, after: timers.after, random: () => random })
  const told: [attempt: number, retryIn: number | undefined][] = []
  bus.on(DeliveryFailed, ({ attempt, retryIn }) => void told.push([attempt, retryIn]))
  return { bus, timers, journal, told }
}

/** Fails as often as told, then writes down when it was run. */
function failing(times: number, error: unknown = new Error('no')): { tries: number; run: () => void } {
  const self = {
    tries: 0,
    run: () => {
      if (++self.tries <= times) throw error
    },
  }
  return self
}

describe('a subscription with retry', () => {
  test('is run again after a random part of 100, 200, 400 ms and so on, and told of each time', async () => {
    const { bus, timers, told } = timedBus()
    const subscriber = failing(3)
    bus.on(Greeted, () => subscriber.run(), { retry: { attempts: 5 } })
    const receipt = bus.publish(Greeted, { name: 'Ada' })

    await timers.advance(49)
    expect(subscriber.tries).toBe(1)
    await timers.advance(1)
    expect(subscriber.tries).toBe(2)
    await timers.advance(100)
    expect(subscriber.tries).toBe(3)
    await timers.advance(200)
    expect(subscriber.tries).toBe(4)
    expect(await receipt.settled).toEqual({ delivered: 1, failed: 0, skipped: 0, dropped: 0 })
    expect(told).toEqual([
      [1, 50],
      [2, 100],
      [3, 200],
    ])
    expect(bus.deadLetters.size).toBe(0)
    expect(timers.pending).toBe(0)
  })

  test('that fails for good has one bus.deliveryFailed per attempt, the last without retryIn, and one letter', async () => {
    const { bus, timers, journal, told } = timedBus()
    const subscriber = failing(9)
    bus.on(Greeted, () => subscriber.run(), { name: 'mailer', retry: 3 })
    const { settled } = bus.publish(Greeted, { name: 'Ada' })
    await timers.advance(1000)

    expect(await settled).toEqual({ delivered: 0, failed: 1, skipped: 0, dropped: 0 })
    expect(told).toEqual([
      [1, 50],
      [2, 100],
      [3, undefined],
    ])
    expect(subscriber.tries).toBe(3)
    expect(bus.deadLetters.list()).toMatchObject([{ subscriber: 'mailer', attempts: 3, time: 150 }])
    expect(recordsOf(journal, 'note', 'bus.deadLettered')).toHaveLength(1)
  })

  test.each<{ what: string; retry: number | RetryOptions; tries: number; waits: (number | undefined)[] }>([
    { what: 'a number as the attempts', retry: 2, tries: 2, waits: [50, undefined] },
    { what: 'one attempt as no retry', retry: 1, tries: 1, waits: [undefined] },
    { what: 'three attempts by default', retry: {}, tries: 3, waits: [50, 100, undefined] },
    { what: 'a first delay', retry: { delay: 10 }, tries: 3, waits: [5, 10, undefined] },
    { what: 'no delay', retry: { delay: 0 }, tries: 3, waits: [0, 0, undefined] },
    {
      what: 'a longest delay',
      retry: { attempts: 4, delay: 100, maxDelay: 150 },
      tries: 4,
      waits: [50, 75, 75, undefined],
    },
  ])('takes $what', async ({ retry, tries, waits }) => {
    const { bus, timers, told } = timedBus()
    const subscriber = failing(99)
    bus.on(Greeted, () => subscriber.run(), { retry })
    bus.publish(Greeted, { name: 'Ada' })
    await timers.advance(10_000)

    expect(subscriber.tries).toBe(tries)
    expect(told.map(([, retryIn]) => retryIn)).toEqual(waits)
  })

  test('may be run a thousand times and more without a wait that is no number', async () => {
    const { bus, timers, told } = timedBus()
    const subscriber = failing(1100)
    bus.on(Greeted, () => subscriber.run(), { retry: { attempts: 1101, delay: 0 } })
    bus.publish(Greeted, { name: 'Ada' })
    await timers.advance(1)

    expect(subscriber.tries).toBe(1101)
    expect(told).toEqual(Array.from({ length: 1100 }, (_, index) => [index + 1, 0]))
  })

  test.each([
    { retryAfter: 7000, waits: [7000, undefined], tries: 2 },
    { retryAfter: 0, waits: [0, undefined], tries: 2 },
    { retryAfter: 30_001, waits: [undefined], tries: 1 },
    { retryAfter: Infinity, waits: [undefined], tries: 1 },
    { retryAfter: Number.NaN, waits: [50, undefined], tries: 2 },
    { retryAfter: -5, waits: [50, undefined], tries: 2 },
    { retryAfter: 'soon', waits: [50, undefined], tries: 2 },
  ])(
    'waits as long as the failure asks: $retryAfter ms gives $waits',
    async ({ retryAfter, waits, tries }) => {
      const { bus, timers, told } = timedBus()
      const subscriber = failing(9, new BuslineError('RATE_LIMITED', 'slow down', { data: { retryAfter } }))
      bus.on(Greeted, () => subscriber.run(), { retry: 2 })
      bus.publish(Greeted, { name: 'Ada' })
      await timers.advance(100_000)

      expect(told.map(([, retryIn]) => retryIn)).toEqual(waits)
      expect(subscriber.tries).toBe(tries)
    },
  )

  test('asks `when` about each failure: the error itself and the number of the attempt', async () => {
    const { bus, timers } = timedBus()
    const error = new Error('no')
    const asked: unknown[] = []
    const subscriber = failing(9, error)
    const when = (failure: unknown, attempt: number): boolean => {
      asked.push([failure === error, attempt])
      return attempt < 2
    }
    bus.on(Greeted, () => subscriber.run(), { retry: { attempts: 5, when } })
    bus.publish(Greeted, { name: 'Ada' })
    await timers.advance(10_000)

    expect(asked).toEqual([
      [true, 1],
      [true, 2],
    ])
    expect(bus.deadLetters.list()).toMatchObject([{ attempts: 2 }])
  })

  test('whose `when` throws is not run again, tells both errors, and gets its later events', async () => {
    const { bus, timers, told } = timedBus()
    const heard: number[] = []
    const when = (): boolean => {
      throw new Error('when is broken')
    }
    bus.on(
      Moved,
      ({ n }) => {
        heard.push(n)
        if (n === 1) throw new Error('no')
      },
      { name: 'mailer', retry: { when } },
    )
    const first = bus.publish(Moved, { key: 'a', n: 1 })
    const second = bus.publish(Moved, { key: 'a', n: 2 })
    await timers.advance(1000)

    expect(await first.settled).toMatchObject({ failed: 1 })
    expect(await second.settled).toMatchObject({ delivered: 1 })
    expect(heard).toEqual([1, 2])
    expect(told).toEqual([[1, undefined]])
    expect(bus.deadLetters.list()).toMatchObject([
      {
        error: {
          code: 'HANDLER_FAILED',
          message: expect.stringContaining('when is broken'),
          cause: { message: 'no' },
        },
      },
    ])
  })

  test('keeps the order: later events of its key wait, other keys and other subscribers go on', async () => {
    const { bus, timers } = timedBus()
    const story: string[] = []
    let broken = true
    bus.on(Moved, ({ key, n }) => void story.push(`other ${key}${n}`))
    bus.on(
      Moved,
      ({ key, n }) => {
        story.push(`${key}${n}`)
        if (key === 'a' && n === 1 && broken) throw new Error('no')
      },
      { retry: 3 },
    )
    for (const n of [1, 2]) for (const key of ['a', 'b']) bus.publish(Moved, { key, n })
    await idle()
    expect(story.filter((step) => !step.startsWith('other'))).toEqual(['a1', 'b1', 'b2'])
    expect(story.filter((step) => step.startsWith('other'))).toHaveLength(4)

    broken = false
    await timers.advance(50)
    expect(story.slice(-2)).toEqual(['a1', 'a2'])
  })

  test('that leaves during the wait is not run again', async () => {
    const { bus, timers, journal } = timedBus()
    const subscriber = failing(9)
    const off = bus.on(Greeted, () => subscriber.run(), { name: 'mailer', retry: 3 })
    const { settled } = bus.publish(Greeted, { name: 'Ada' })
    await idle()
    off()
    await timers.advance(1000)

    expect(subscriber.tries).toBe(1)
    expect(await settled).toEqual({ delivered: 0, failed: 0, skipped: 1, dropped: 0 })
    expect(recordsOf(journal, 'note', 'bus.discarded')).toMatchObject([{ data: { subscriber: 'mailer' } }])
  })

  test('is waited for by a stop that has time', async () => {
    const { bus, timers } = timedBus()
    const subscriber = failing(1)
    bus.on(Greeted, () => subscriber.run(), { retry: 3 })
    bus.publish(Greeted, { name: 'Ada' })
    await idle()
    const stopping = bus.stop({ deadline: 1000 })
    await timers.advance(50)

    expect(await stopping).toEqual({ completed: 1, abandoned: [], timedOut: false })
    expect(subscriber.tries).toBe(2)
  })

  test('is given up by a stop that has none: a letter, no other attempt, nothing told twice', async () => {
    const { bus, timers, journal } = timedBus()
    const subscriber = failing(9)
    bus.on(Greeted, () => subscriber.run(), { name: 'mailer', retry: { attempts: 3, delay: 20_000 } })
    const { settled } = bus.publish(Greeted, { name: 'Ada' })
    await idle()
    const stopping = bus.stop({ deadline: 100 })
    await timers.advance(100)

    expect(await stopping).toEqual({ completed: 1, abandoned: [], timedOut: true })
    expect(await settled).toMatchObject({ failed: 1 })
    expect(subscriber.tries).toBe(1)
    expect(recordsOf(journal, 'event', 'bus.deliveryFailed')).toMatchObject([
      { data: { attempt: 1, retryIn: 10_000 } },
    ])
    expect(recordsOf(journal, 'note', 'bus.deliveryFailed')).toEqual([])
    expect(recordsOf(journal, 'note', 'bus.deadLettered')).toMatchObject([
      { data: { subscriber: 'mailer', attempts: 1, error: { message: 'no' } } },
    ])
  })

  test('of many keys at once waits for all of them', async () => {
    const { bus, timers } = timedBus()
    const tries = new Map<string, number>()
    bus.on(
      Moved,
      ({ key }) => {
        const count = (tries.get(key) ?? 0) + 1
        tries.set(key, count)
        if (count === 1) throw new Error('no')
      },
      { retry: 2 },
    )
    for (let n = 0; n < 50; n++) bus.publish(Moved, { key: `${n}`, n })
    await idle()
    expect(timers.pending).toBe(50)
    await timers.advance(50)

    expect([...tries.values()]).toEqual(Array.from({ length: 50 }, () => 2))
  })

  test('of bus.deliveryFailed is run again, noted per attempt, and leaves no letter of itself', async () => {
    const timers = virtualClock({ start: 0 })
    const { bus, journal } = recordedBus({ now: timers.now, after: timers.after, random: () => 1 })
    let reports = 0
    bus.on(
      DeliveryFailed,
      () => {
        reports++
        throw new Error('neither')
      },
      { name: 'reporter', retry: 2, park: true },
    )
    bus.on(Greeted, () => Promise.reject(new Error('no')), { name: 'mailer' })
    await bus.publish(Greeted, { name: 'Ada' }).settled
    await bus.publish(Greeted, { name: 'Bob' }).settled
    await timers.advance(1000)

    expect(reports).toBe(4)
    expect(bus.deadLetters.list().map(({ subscriber }) => subscriber)).toEqual(['mailer', 'mailer'])
    expect(recordsOf(journal, 'note', 'bus.deliveryFailed').map(({ data }) => data)).toMatchObject([
      { attempt: 1 },
      { attempt: 2 },
      { attempt: 1 },
      { attempt: 2 },
    ])
  })

  test('is run again around its middleware too', async () => {
    const { bus, timers } = timedBus()
    const subscriber = failing(1)
    let layers = 0
    bus.use((_, next) => (layers++, next()), { for: [Greeted] })
    bus.on(Greeted, () => subscriber.run(), { retry: 2 })
    bus.publish(Greeted, { name: 'Ada' })
    await timers.advance(1000)

    expect({ layers, tries: subscriber.tries }).toEqual({ layers: 2, tries: 2 })
  })
})

describe('a subscription with a timeout', () => {
  test('fails with TIMED_OUT when it takes longer, and the lane goes on', async () => {
    const { bus, timers } = timedBus()
    const heard: number[] = []
    bus.on(
      Moved,
      ({ n }) => {
        heard.push(n)
        return n === 1 ? new Promise(() => undefined) : undefined
      },
      { name: 'slow', timeout: 100 },
    )
    const first = bus.publish(Moved, { key: 'a', n: 1 })
    const second = bus.publish(Moved, { key: 'a', n: 2 })
    await timers.advance(99)
    expect(heard).toEqual([1])
    await timers.advance(1)

    expect(await first.settled).toMatchObject({ failed: 1 })
    expect(await second.settled).toMatchObject({ delivered: 1 })
    expect(bus.deadLetters.list()).toMatchObject([
      {
        error: { code: 'TIMED_OUT', message: 'things.moved at slow took longer than its timeout of 100 ms.' },
      },
    ])
    expect(timers.pending).toBe(0)
  })

  test('that looked at its signal sees it aborted, and has a second to clean up', async () => {
    const { bus, timers } = timedBus()
    const story: string[] = []
    const cleaned = deferred()
    bus.on(
      Greeted,
      async (_, { signal, deadline }) => {
        story.push(`until ${deadline}`)
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        story.push('aborted')
        await cleaned.promise
        throw new Error('cleaned up')
      },
      { timeout: 100 },
    )
    const { settled } = bus.publish(Greeted, { name: 'Ada' })
    await timers.advance(100)
    expect(story).toEqual(['until 100', 'aborted'])
    expect(timers.pending).toBe(1)

    cleaned.resolve()
    expect(await settled).toMatchObject({ failed: 1 })
    expect(bus.deadLetters.list()).toMatchObject([{ error: { message: 'cleaned up' } }])
    expect(timers.pending).toBe(0)
  })

  test('that ignores its aborted signal is given up after that second', async () => {
    const { bus, timers } = timedBus()
    bus.on(Greeted, (_, { signal }) => new Promise(() => signal), { timeout: 100 })
    const { settled } = bus.publish(Greeted, { name: 'Ada' })
    await timers.advance(1100)

    expect(await settled).toMatchObject({ failed: 1 })
    expect(bus.deadLetters.list()).toMatchObject([{ error: { code: 'TIMED_OUT' } }])
  })

  test('has it for each attempt anew', async () => {
    const { bus, timers, told } = timedBus()
    const deadlines: unknown[] = []
    const options: SubscribeOptions = { timeout: 100, retry: { attempts: 3, delay: 20 } }
    bus.on(
      Greeted,
      (_, { deadline }) => {
        deadlines.push(deadline)
        return deadlines.length < 3 ? new Promise(() => undefined) : undefined
      },
      options,
    )
    const { settled } = bus.publish(Greeted, { name: 'Ada' })
    await timers.advance(1000)

    expect(await settled).toMatchObject({ delivered: 1 })
    expect(deadlines).toEqual([100, 210, 330])
    expect(told).toEqual([
      [1, 10],
      [2, 20],
    ])
  })

  test('cancels the commands that it waits for', async () => {
    const { bus, timers, journal } = timedBus()
    bus.handle(Greet, async (_, scope) => {
      await scope.sleep(1e6)
      return ''
    })
    bus.on(Greeted, async ({ name }, scope) => void (await scope.execute(Greet, { name })), { timeout: 100 })
    const { settled } = bus.publish(Greeted, { name: 'Ada' })
    await timers.advance(100)

    expect(await settled).toMatchObject({ failed: 1 })
    expect(recordsOf(journal, 'result')).toMatchObject([{ type: 'people.greet', status: 'timeout' }])
    expect(timers.pending).toBe(0)
  })

  test('that ends in time leaves no timer', async () => {
    const { bus, timers } = timedBus()
    bus.on(Greeted, () => idle(1), { timeout: 100 })
    await bus.publish(Greeted, { name: 'Ada' }).settled

    expect(timers.pending).toBe(0)
  })
})

test.each<[option: string, retry: number | RetryOptions]>([
  ['attempts', 0],
  ['attempts', 1.5],
  ['attempts', { attempts: -1 }],
  ['attempts', { attempts: Number.NaN }],
  ['delay', { delay: -1 }],
  ['delay', { delay: Number.NaN }],
  ['maxDelay', { maxDelay: -1 }],
])('retry.%s out of its range is refused: %j', (option, retry) => {
  expect(() => new MessageBus().on(Greeted, () => undefined, { retry })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', data: { option } }),
  )
})

test('a wait for another attempt ends when its subscriber leaves: no timer, and the receipt settles', async () => {
  const { bus, timers, journal } = timedBus()
  const off = bus.on(Greeted, failing(5).run, { name: 'leaving', retry: { attempts: 3, delay: 30_000 } })
  const session = bus.session('s1')
  session.on(Greeted, failing(5).run, { name: 'disposed', retry: { attempts: 3, delay: 30_000 } })
  const { settled } = session.publish(Greeted, { name: 'Ada' })
  await idle()
  expect(timers.pending).toBe(2)
  off()
  session.dispose()

  expect(await settled).toMatchObject({ skipped: 2 })
  expect(timers.pending).toBe(0)
  expect(recordsOf(journal, 'note', 'bus.discarded')).toHaveLength(2)
  expect(await bus.stop()).toMatchObject({ timedOut: false })
})
