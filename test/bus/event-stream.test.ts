import { getEventListeners } from 'node:events'
import { MessageBus, type Bus, type EventStream, type Overflow } from 'busline'
import { virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Greet, Greeted, Moved } from './fixtures/greeting.ts'
import { deferred, idle, rejection, thrownBy } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

/** Publishes moves of one key, with these numbers. */
function move(bus: Pick<Bus, 'publish'>, ...numbers: number[]): void {
  for (const n of numbers) bus.publish(Moved, { key: 'a', n })
}

async function all<T>(stream: EventStream<T>): Promise<T[]> {
  const got: T[] = []
  for await (const data of stream) got.push(data)
  return got
}

/** What a stream still yields of moves, and the error that it ends with if it does. */
async function rest(stream: EventStream<{ n: number }>): Promise<unknown[]> {
  const got: unknown[] = []
  try {
    for await (const { n } of stream) got.push(n)
  } catch (error) {
    got.push(error)
  }
  return got
}

describe('a stream of events', () => {
  test('yields them in order, from its beginning on, whether its consumer waits or is slow', async () => {
    const bus = new MessageBus()
    move(bus, 0)
    await idle()
    const stream = bus.events(Moved)
    const got: number[] = []
    const consuming = (async () => {
      for await (const { n } of stream) {
        got.push(n)
        if (n === 2) await idle(10)
        if (n === 5) break
      }
    })()
    move(bus, 1)
    await idle()
    move(bus, 2, 3)
    await idle()
    move(bus, 4, 5, 6)
    await consuming

    expect(got).toEqual([1, 2, 3, 4, 5])
  })

  test('of a list yields all of them in record order, of a pattern whatever fits', async () => {
    const bus = new MessageBus()
    const list = bus.events([Greeted, Moved])
    const pattern = bus.events('people.*')
    const everything = bus.events('**')
    move(bus, 1)
    bus.publish(Greeted, { name: 'Ada' })
    move(bus, 2)
    await bus.stop()

    const [ada, one, two] = [{ name: 'Ada' }, { key: 'a', n: 1 }, { key: 'a', n: 2 }]
    expect([await all(list), await all(pattern), await all(everything)]).toEqual([
      [one, ada, two],
      [ada],
      [one, ada, two],
    ])
  })

  test('of a session yields its own only', async () => {
    const bus = new MessageBus()
    using session = bus.session('s1')
    const stream = session.events(Moved)
    move(bus, 1)
    move(session, 2)
    await idle()
    session.dispose()

    expect(await rest(stream)).toEqual([2])
  })

  test('answers several next() at once, in the order in which they were asked', async () => {
    const bus = new MessageBus()
    const stream = bus.events(Moved)
    const both = Promise.all([stream.next(), stream.next(), stream.next()])
    move(bus, 1, 2)
    await idle()
    await stream.return()

    expect(await both).toEqual([
      { done: false, value: { key: 'a', n: 1 } },
      { done: false, value: { key: 'a', n: 2 } },
      { done: true, value: undefined },
    ])
  })

  test('yields undefined for ever after its end', async () => {
    const stream = new MessageBus().events(Moved)
    await stream.return()
    await stream.return()

    expect([await stream.next(), await stream.next()]).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
  })

  test('of a command, or of a pattern that is none, is refused and leaves nothing', async () => {
    const bus = new MessageBus()
    const { signal } = new AbortController()

    // @ts-expect-error -- events are streamed
    expect(thrownBy(() => bus.events(Greet, { signal }))).toMatchObject({ code: 'NOT_AN_EVENT' })
    expect(thrownBy(() => bus.events('people.*.late', { signal }))).toMatchObject({ code: 'INVALID_OPTION' })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test.each([0, -1, 1.5, Number.NaN, Infinity])('with a buffer of %s is INVALID_OPTION', (buffer) => {
    expect(thrownBy(() => new MessageBus().events(Moved, { buffer }))).toMatchObject({
      code: 'INVALID_OPTION',
    })
  })
})

describe('a stream ends', () => {
  /** Whether a stream of the bus is still subscribed. */
  async function hears(bus: MessageBus): Promise<boolean> {
    return (await bus.publish(Greeted, { name: 'Ada' }).settled).delivered > 0
  }

  test('when its consumer leaves the loop, by break or by throwing, and leaves nothing behind', async () => {
    const bus = new MessageBus()
    const { signal } = new AbortController()
    const leave = async (how: () => void): Promise<void> => {
      const stream = bus.events(Greeted, { signal })
      bus.publish(Greeted, { name: 'Ada' })
      bus.publish(Greeted, { name: 'Bob' })
      for await (const _ of stream) {
        expect(getEventListeners(signal, 'abort')).toHaveLength(1)
        how()
        break
      }
      expect(await stream.next()).toEqual({ done: true, value: undefined })
    }
    await leave(() => undefined)
    await rejection(
      leave(() => {
        throw new Error('no')
      }),
    )

    expect(await hears(bus)).toBe(false)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('at the end of an await-using block', async () => {
    const bus = new MessageBus()
    {
      await using stream = bus.events(Greeted)
      expect(await hears(bus)).toBe(true)
      await stream.next()
    }

    expect(await hears(bus)).toBe(false)
  })

  test('when its signal is aborted, after what is in the buffer; at once when it was before', async () => {
    const bus = new MessageBus()
    const controller = new AbortController()
    const { signal } = controller
    const stream = bus.events(Moved, { signal })
    move(bus, 1, 2)
    await idle()
    controller.abort()
    move(bus, 3)
    await idle()

    expect(await rest(stream)).toEqual([1, 2])
    expect(await rest(bus.events(Moved, { signal }))).toEqual([])
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('when its consumer waits and its session is disposed', async () => {
    const bus = new MessageBus()
    const session = bus.session('s1')
    const ended = rest(session.events(Moved))
    await idle()
    session.dispose()

    expect(await ended).toEqual([])
    expect(thrownBy(() => session.events(Moved))).toMatchObject({ code: 'SCOPE_DISPOSED' })
  })

  test('when its participant is taken back; at once when it was before', async () => {
    const bus = new MessageBus()
    const { signal } = new AbortController()
    const ends: Promise<unknown[]>[] = []
    const errors: unknown[] = []
    const off = bus.attach(async (view) => {
      ends.push(rest(view.events(Moved, { signal })))
      await idle(2)
      try {
        ends.push(rest(view.events(Moved, { signal })))
      } catch (error) {
        errors.push(error)
      }
    })
    off()
    await idle()

    expect(errors).toEqual([])
    expect(await Promise.all(ends)).toEqual([[], []])
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('when the bus stops, after the buffer; at once when it has', async () => {
    const bus = new MessageBus()
    const stream = bus.events(Moved)
    const waiting = bus.events(Greeted).next()
    move(bus, 1, 2)
    await bus.stop()

    expect(await rest(stream)).toEqual([1, 2])
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await rest(bus.events(Moved))).toEqual([])
  })
})

describe('a stream that is full', () => {
  test.each<[Overflow, number[]]>([
    ['drop-oldest', [3, 4]],
    ['drop-newest', [1, 2]],
    ['coalesce', [1, 4]],
  ])('with %s yields what its policy keeps, and the journal names every drop', async (overflow, kept) => {
    const { bus, journal } = recordedBus()
    const stream = bus.events(Moved, { buffer: 2, overflow })
    move(bus, 1, 2, 3, 4)
    await bus.stop()

    expect(await rest(stream)).toEqual(kept)
    const dropped = [1, 2, 3, 4].filter((n) => !kept.includes(n)).map((n) => `run-${n}`)
    expect(recordsOf(journal, 'note', 'bus.dropped').map(({ data }) => data)).toEqual(
      expect.arrayContaining(
        dropped.map((event) => ({ event, subscriber: 'events things.moved', overflow })),
      ),
    )
    expect(recordsOf(journal, 'note', 'bus.dropped')).toHaveLength(2)
  })

  test('by default yields the buffer, throws MAILBOX_FULL once, and has ended', async () => {
    const { bus, journal } = recordedBus()
    const stream = bus.events(Moved, { buffer: 2 })
    move(bus, 1, 2, 3, 4)
    await idle()

    expect(await rest(stream)).toMatchObject([
      1,
      2,
      { code: 'MAILBOX_FULL', data: { subscriber: 'events things.moved', capacity: 2 } },
    ])
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect(recordsOf(journal, 'note', 'bus.dropped')).toMatchObject([{ data: { event: 'run-3' } }])
    expect((await bus.publish(Moved, { key: 'a', n: 5 }).settled).delivered).toBe(0)
  })

  test('and left throws nothing any more', async () => {
    const bus = new MessageBus()
    const stream = bus.events(Moved, { buffer: 1 })
    move(bus, 1, 2)
    await idle()
    await stream.return()

    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })

  test.each([1000, 20_000])('by a burst beyond its buffer of %s tells its consumer too', async (buffer) => {
    const bus = new MessageBus()
    const stream = bus.events(Moved, { buffer })
    for (let n = 1; n <= buffer + 5000; n++) move(bus, n)
    await idle()

    const got = await rest(stream)
    expect(got).toHaveLength(buffer + 1)
    expect(got.at(-1)).toMatchObject({ code: 'MAILBOX_FULL' })
  })

  test('not by a burst that fits its buffer, however large that is', async () => {
    const bus = new MessageBus()
    const stream = bus.events(Moved, { buffer: 20_000 })
    for (let n = 1; n <= 20_000; n++) move(bus, n)
    await bus.stop()

    expect(await rest(stream)).toHaveLength(20_000)
  })

  test('by a burst with drop-oldest keeps the newest', async () => {
    const bus = new MessageBus()
    const stream = bus.events(Moved, { buffer: 2, overflow: 'drop-oldest' })
    for (let n = 1; n <= 12_000; n++) move(bus, n)
    await bus.stop()

    expect(await rest(stream)).toEqual([11_999, 12_000])
  })
})

describe('a stream with overflow: wait', () => {
  test('holds the delivery until its consumer has made room, and nobody else', async () => {
    const bus = new MessageBus()
    const heard: number[] = []
    bus.on(Moved, ({ n }) => void heard.push(n))
    const stream = bus.events(Moved, { buffer: 2, overflow: 'wait' })
    const receipts = [1, 2, 3, 4].map((n) => bus.publish(Moved, { key: 'a', n }))
    const settled: number[] = []
    receipts.forEach((receipt, index) => void receipt.settled.then(() => settled.push(index + 1)))
    await idle()
    expect([heard, settled]).toEqual([
      [1, 2, 3, 4],
      [1, 2],
    ])
    await stream.next()
    await idle()
    expect(settled).toEqual([1, 2, 3])
    await stream.next()
    await idle()

    expect(settled).toEqual([1, 2, 3, 4])
    await stream.return()
  })

  test.each<['settled' | 'accepted', number]>([
    ['settled', 3],
    // A mailbox of two stands before the buffer.
    ['accepted', 6],
  ])('lets a publisher that awaits `%s` be only so far ahead, and loses nothing', async (what, ahead) => {
    const bus = new MessageBus()
    const stream = bus.events(Moved, { buffer: 2, overflow: 'wait' })
    let published = 0
    const publishing = (async () => {
      for (let n = 1; n <= 25_000; n++) {
        published = n
        await bus.publish(Moved, { key: 'a', n })[what]
      }
    })()
    await idle()
    expect(published).toBe(ahead)
    let got = 0
    for await (const { n } of stream) {
      expect(n).toBe(++got)
      if (n === 25_000) break
    }
    await publishing
  })

  test('lets go of what it held when its consumer leaves', async () => {
    const bus = new MessageBus()
    const stream = bus.events(Moved, { buffer: 1, overflow: 'wait' })
    const receipts = [1, 2, 3].map((n) => bus.publish(Moved, { key: 'a', n }))
    await idle()
    await stream.return()

    expect(await Promise.all(receipts.map(({ settled }) => settled))).toMatchObject([
      { delivered: 1 },
      { delivered: 1 },
      { skipped: 1 },
    ])
  })

  test('does not keep the bus from stopping while its consumer goes on', async () => {
    const bus = new MessageBus()
    const consuming = rest(bus.events(Moved, { buffer: 1, overflow: 'wait' }))
    move(bus, 1, 2, 3, 4, 5)

    expect(await bus.stop()).toEqual({ completed: 5, abandoned: [], timedOut: false })
    expect(await consuming).toEqual([1, 2, 3, 4, 5])
  })

  test('keeps a stop until its deadline when nobody consumes, and no longer; the buffer is there still', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const stream = bus.events(Moved, { buffer: 1, overflow: 'wait' })
    move(bus, 1, 2)
    const stopping = bus.stop({ deadline: 100 })
    await clock.advance(100)

    expect(await stopping).toMatchObject({ abandoned: [], timedOut: true })
    expect(await rest(stream)).toEqual([1, 2])
  })

  test('does not let a stop that its own consumer asks for hang', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const stopped = deferred<unknown>()
    const consuming = (async () => {
      for await (const _ of bus.events(Moved, { buffer: 1, overflow: 'wait' }))
        stopped.resolve(await bus.stop({ deadline: 100 }))
    })()
    move(bus, 1, 2, 3, 4)
    await idle()
    await clock.advance(100)

    expect(await stopped.promise).toMatchObject({ timedOut: true })
    await consuming
  })

  test('refuses beyond twice its buffer when it is held on many keys, and says so', async () => {
    const bus = new MessageBus()
    const stream = bus.events(Moved, { buffer: 2, overflow: 'wait' })
    for (let n = 1; n <= 6; n++) bus.publish(Moved, { key: `k${n}`, n })
    await idle()

    expect(await rest(stream)).toMatchObject([1, 2, 3, 4, { code: 'MAILBOX_FULL' }])
  })
})
