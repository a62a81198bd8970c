import {
  defineCommand,
  defineEvent,
  MessageBus,
  type MailboxOptions,
  type Overflow,
  type Receipt,
} from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Greeted, Moved } from './fixtures/greeting.ts'
import { MailboxModel } from './fixtures/mailbox-model.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

const OVERFLOWS: Overflow[] = ['wait', 'reject', 'drop-oldest', 'drop-newest', 'coalesce']

/** An event of another type with the same data. */
const Turned = defineEvent('things.turned', {
  data: z.object({ key: z.string(), n: z.number() }),
  key: ({ key }) => key,
})

const Work = defineCommand('test.work', { input: z.object({}), output: z.string() })

/** What becomes of the numbers 1 … n in a mailbox that holds two: who is heard, who is dropped, who is refused. */
interface Outcome {
  overflow: Overflow
  heard: number[]
  dropped: number[]
  refused: number[]
}

const below = OVERFLOWS.map((overflow) => ({ overflow, count: 1, heard: [1], dropped: [], refused: [] }))
const full = OVERFLOWS.map((overflow) => ({ overflow, count: 2, heard: [1, 2], dropped: [], refused: [] }))
const beyond: (Outcome & { count: number })[] = [
  { overflow: 'wait', count: 3, heard: [1, 2, 3], dropped: [], refused: [] },
  { overflow: 'reject', count: 3, heard: [1, 2], dropped: [3], refused: [3] },
  { overflow: 'drop-oldest', count: 3, heard: [2, 3], dropped: [1], refused: [] },
  { overflow: 'drop-newest', count: 3, heard: [1, 2], dropped: [3], refused: [] },
  { overflow: 'coalesce', count: 3, heard: [1, 3], dropped: [2], refused: [] },
  { overflow: 'wait', count: 6, heard: [1, 2, 3, 4], dropped: [5, 6], refused: [5, 6] },
  { overflow: 'reject', count: 6, heard: [1, 2], dropped: [3, 4, 5, 6], refused: [3, 4, 5, 6] },
  { overflow: 'drop-oldest', count: 6, heard: [5, 6], dropped: [1, 2, 3, 4], refused: [] },
  { overflow: 'drop-newest', count: 6, heard: [1, 2], dropped: [3, 4, 5, 6], refused: [] },
  { overflow: 'coalesce', count: 6, heard: [1, 6], dropped: [2, 3, 4, 5], refused: [] },
]
const outcomes = [...below, ...full, ...beyond]

describe.each([
  { how: 'synchronous', subscriber: (): undefined => undefined },
  { how: 'asynchronous', subscriber: (): Promise<void> => idle(1) },
])('a mailbox of two of a $how subscriber', ({ subscriber }) => {
  test.each(outcomes)(
    'with $overflow, $count at once: $heard are heard, $dropped dropped, $refused refused',
    async ({ overflow, count, ...outcome }) => {
      const { bus, journal } = recordedBus()
      const heard: number[] = []
      bus.on(
        Moved,
        ({ n }) => {
          heard.push(n)
          return subscriber()
        },
        { name: 'slow', mailbox: { capacity: 2, overflow } },
      )
      const receipts = publish(bus, count)

      expect({ heard, ...(await endOf(receipts)) }).toEqual(outcome)
      expect(recordsOf(journal, 'note', 'bus.dropped').map(({ cause, data }) => ({ cause, data }))).toEqual(
        outcome.dropped.map((n) => ({
          cause: `run-${n}`,
          data: { event: `run-${n}`, subscriber: 'slow', overflow },
        })),
      )
    },
  )

  test.each(outcomes)(
    'with $overflow, $count while a delivery goes on: that one does not count',
    async ({ overflow, count, ...outcome }) => {
      const bus = new MessageBus()
      const heard: number[] = []
      const gate = deferred()
      bus.on(
        Moved,
        ({ n }) => {
          if (n === 0) return gate.promise
          heard.push(n)
          return subscriber()
        },
        { mailbox: { capacity: 2, overflow } },
      )
      bus.publish(Moved, { key: 'a', n: 0 })
      await idle()
      const receipts = publish(bus, count)
      await idle()
      gate.resolve()

      expect({ heard, ...(await endOf(receipts)) }).toEqual(outcome)
    },
  )

  test.each(outcomes)(
    'with $overflow, $count on one key: other keys have room of their own',
    async (plan) => {
      const { overflow, count, ...outcome } = plan
      const bus = new MessageBus()
      const heard: Record<string, number[]> = { a: [], b: [] }
      bus.on(
        Moved,
        ({ key, n }) => {
          heard[key]?.push(n)
          return subscriber()
        },
        { mailbox: { capacity: 2, overflow } },
      )
      const receipts = publish(bus, count)
      const others = publish(bus, 2, 'b')

      expect({ heard: heard['a'], ...(await endOf(receipts)) }).toEqual(outcome)
      expect({ heard: heard['b'], ...(await endOf(others)) }).toEqual({
        heard: [1, 2],
        dropped: [],
        refused: [],
      })
    },
  )

  test.each(outcomes)(
    'with $overflow, $count inside a delivery: wait rejects, the others do the same',
    async (plan) => {
      const { overflow, count } = plan
      const expected = overflow === 'wait' ? outcomeOf('reject', count) : plan
      const bus = new MessageBus()
      const heard: number[] = []
      let receipts: Receipt[] = []
      bus.on(Greeted, (_, scope) => {
        receipts = publish(scope, count)
      })
      bus.on(
        Moved,
        ({ n }) => {
          heard.push(n)
          return subscriber()
        },
        { mailbox: { capacity: 2, overflow } },
      )
      await bus.publish(Greeted, { name: 'Ada' }).settled

      expect({ heard, ...(await endOf(receipts)) }).toEqual({
        heard: expected.heard,
        dropped: expected.dropped,
        refused: expected.refused,
      })
    },
  )
})

describe('a full mailbox', () => {
  test('concerns its own subscriber: the others get the event, and the counts tell', async () => {
    const { bus, journal } = recordedBus()
    const heard: string[] = []
    bus.on(Moved, ({ n }) => void heard.push(`first ${n}`), { priority: 1 })
    bus.on(Moved, ({ n }) => void heard.push(`small ${n}`), { name: 'small', mailbox: { capacity: 1 } })
    bus.on(Moved, ({ n }) => void heard.push(`silent ${n}`), {
      name: 'silent',
      mailbox: { capacity: 1, overflow: 'drop-newest' },
    })
    bus.on(Moved, ({ n }) => idle(1).then(() => void heard.push(`last ${n}`)))
    const [first, second] = publish(bus, 2)

    expect(await first?.settled).toEqual({ delivered: 4, failed: 0, skipped: 0, dropped: 0 })
    expect(await second?.settled).toEqual({ delivered: 2, failed: 0, skipped: 0, dropped: 2 })
    expect(await rejection(second?.accepted ?? Promise.resolve())).toMatchObject({
      code: 'MAILBOX_FULL',
      data: { subscriber: 'small', type: 'things.moved', capacity: 1 },
    })
    expect(heard.toSorted()).toEqual(['first 1', 'first 2', 'last 1', 'last 2', 'silent 1', 'small 1'])
    expect(recordsOf(journal, 'note', 'bus.dropped').map(({ data }) => data)).toEqual([
      { event: 'run-2', subscriber: 'small', overflow: 'reject' },
      { event: 'run-2', subscriber: 'silent', overflow: 'drop-newest' },
    ])
  })

  test('has room again as soon as a delivery has begun', async () => {
    const bus = new MessageBus()
    const heard: number[] = []
    bus.on(Moved, ({ n }) => void heard.push(n), { mailbox: { capacity: 1 } })
    for (const n of [1, 2, 3]) {
      const receipt = bus.publish(Moved, { key: 'a', n })
      await receipt.accepted
      await Promise.resolve()
    }

    expect(heard).toEqual([1, 2, 3])
  })

  test('that rejects keeps no event from those who are not looking at accepted', async () => {
    const bus = new MessageBus()
    bus.on(Moved, () => undefined, { mailbox: { capacity: 1 } })
    const receipts = publish(bus, 3)
    await idle()

    expect(await receipts[2]?.settled).toEqual({ delivered: 0, failed: 0, skipped: 0, dropped: 1 })
  })

  test('coalesces with the newest of the same type, which goes to the end', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    const gate = deferred()
    bus.on(
      [Moved, Turned],
      ({ n }, { message }) => {
        heard.push(`${message.type} ${n}`)
        return n === 0 ? gate.promise : undefined
      },
      { mailbox: { capacity: 3, overflow: 'coalesce' } },
    )
    bus.publish(Moved, { key: 'a', n: 0 })
    await idle()
    const displaced = bus.publish(Moved, { key: 'a', n: 1 })
    bus.publish(Turned, { key: 'a', n: 2 })
    bus.publish(Turned, { key: 'a', n: 3 })
    bus.publish(Moved, { key: 'a', n: 4 })
    gate.resolve()

    expect(await displaced.settled).toMatchObject({ dropped: 1 })
    await idle()
    expect(heard).toEqual(['things.moved 0', 'things.turned 2', 'things.turned 3', 'things.moved 4'])
  })

  test('coalesces with nothing where no event of its type waits: rejected', async () => {
    const bus = new MessageBus()
    bus.on([Moved, Turned], () => undefined, { mailbox: { capacity: 1, overflow: 'coalesce' } })
    bus.publish(Moved, { key: 'a', n: 1 })
    const { accepted, settled } = bus.publish(Turned, { key: 'a', n: 2 })

    expect(await rejection(accepted)).toMatchObject({ code: 'MAILBOX_FULL' })
    expect(await settled).toEqual({ delivered: 0, failed: 0, skipped: 0, dropped: 1 })
  })

  test('by a key of the subscriber counts per that key', async () => {
    const bus = new MessageBus()
    const heard: number[] = []
    bus.on(Moved, ({ n }) => void heard.push(n), { mailbox: { capacity: 1 }, key: () => 'all' })
    const first = bus.publish(Moved, { key: 'a', n: 1 })
    const second = bus.publish(Moved, { key: 'b', n: 2 })

    expect(await first.settled).toMatchObject({ delivered: 1 })
    expect(await second.settled).toMatchObject({ dropped: 1 })
    expect(heard).toEqual([1])
  })
})

describe('with wait', () => {
  const waiting = (capacity: number): { mailbox: MailboxOptions } => ({
    mailbox: { capacity, overflow: 'wait' },
  })

  test('accepted resolves in order, each when there is room, not before', async () => {
    const bus = new MessageBus()
    const gates = [0, 1, 2, 3, 4].map(() => deferred())
    bus.on(Moved, ({ n }) => gates[n]?.promise, waiting(2))
    bus.publish(Moved, { key: 'a', n: 0 })
    await idle()
    const accepted: number[] = []
    for (const n of [1, 2, 3, 4])
      void bus.publish(Moved, { key: 'a', n }).accepted.then(() => accepted.push(n))
    await idle()
    expect(accepted).toEqual([1, 2])

    gates[0]?.resolve()
    await idle()
    expect(accepted).toEqual([1, 2, 3])
    gates[1]?.resolve()
    await idle()
    expect(accepted).toEqual([1, 2, 3, 4])
    for (const gate of gates) gate.resolve()
  })

  test('accepted that is first read while the event waits, or after it, resolves too', async () => {
    const bus = new MessageBus()
    const gate = deferred()
    bus.on(Moved, () => gate.promise, waiting(1))
    const [, second] = publish(bus, 2)
    const early = second?.accepted
    gate.resolve()
    await early

    await second?.settled
    expect(second?.accepted).toBe(early)
    await bus.publish(Moved, { key: 'a', n: 3 }).accepted
  })

  test('who awaits accepted publishes no faster than the subscriber takes', async () => {
    const bus = new MessageBus()
    let published = 0
    let most = 0
    let heard = 0
    bus.on(
      Moved,
      async () => {
        await idle(1)
        most = Math.max(most, published - heard++)
      },
      waiting(3),
    )
    for (; published < 50; published++) await bus.publish(Moved, { key: 'a', n: published }).accepted
    await bus.stop()

    expect(heard).toBe(50)
    // The one that goes on, three that wait, and the one that was published last.
    expect(most).toBeLessThanOrEqual(5)
  })

  test('an event that waits at one subscriber and is refused by another rejects once it is in', async () => {
    const bus = new MessageBus()
    const gate = deferred()
    bus.on(Moved, () => gate.promise, waiting(1))
    bus.on(Moved, () => gate.promise, { name: 'small', mailbox: { capacity: 1 } })
    publish(bus, 1)
    await idle()
    publish(bus, 1)
    const { accepted, settled } = bus.publish(Moved, { key: 'a', n: 3 })
    const refused = rejection(accepted)
    gate.resolve()

    expect(await refused).toMatchObject({ code: 'MAILBOX_FULL', data: { subscriber: 'small' } })
    expect(await settled).toEqual({ delivered: 1, failed: 0, skipped: 0, dropped: 1 })
  })

  test('a command that a delivery executes, also through another, is refused like the delivery', async () => {
    const bus = new MessageBus()
    const Inner = defineCommand('test.inner', { input: z.object({}), output: z.string() })
    const refused: unknown[] = []
    bus.handle(Work, (_, scope) => scope.execute(Inner, {}))
    bus.handle(Inner, async (_, scope) => {
      const [, second] = publish(scope, 2)
      refused.push(await rejection(second?.accepted ?? Promise.resolve()))
      return ''
    })
    bus.on(Moved, () => undefined, waiting(1))
    bus.on(Greeted, async (_, scope) => void (await scope.execute(Work, {})))

    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 1 })
    expect(refused).toMatchObject([{ code: 'MAILBOX_FULL' }])
  })

  test('a middleware around a delivery is inside of it', async () => {
    const bus = new MessageBus()
    const refused: unknown[] = []
    bus.on(Moved, () => undefined, waiting(1))
    bus.on(Greeted, () => undefined)
    bus.use(
      async (_, next, scope) => {
        const [, second] = publish(scope, 2)
        refused.push(await rejection(second?.accepted ?? Promise.resolve()))
        return next({ timeout: 1000 })
      },
      { for: [Greeted] },
    )

    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 1 })
    expect(refused).toMatchObject([{ code: 'MAILBOX_FULL' }])
  })

  test('a command from outside may wait', async () => {
    const bus = new MessageBus()
    const heard: number[] = []
    bus.handle(Work, async (_, scope) => {
      for (const n of [1, 2, 3, 4]) await scope.publish(Moved, { key: 'a', n }).accepted
      return 'all in'
    })
    bus.on(Moved, ({ n }) => idle(1).then(() => void heard.push(n)), waiting(1))

    expect(await bus.execute(Work, {})).toBe('all in')
    await bus.stop()
    expect(heard).toEqual([1, 2, 3, 4])
  })

  test('what waits when its subscriber leaves is accepted, and skipped', async () => {
    const bus = new MessageBus()
    const gate = deferred()
    const off = bus.on(Moved, () => gate.promise, waiting(1))
    publish(bus, 1)
    await idle()
    const receipts = publish(bus, 2)
    off()
    gate.resolve()

    await receipts[1]?.accepted
    expect(await receipts[1]?.settled).toEqual({ delivered: 0, failed: 0, skipped: 1, dropped: 0 })
  })

  test('what waits behind a delivery that never ends is not waited for after a stop', async () => {
    const bus = new MessageBus()
    bus.on(Moved, () => new Promise(() => undefined), waiting(1))
    publish(bus, 1)
    await idle()
    const receipts = publish(bus, 2)
    await bus.stop({ deadline: 0 })

    await receipts[1]?.accepted
    expect(await receipts[0]?.settled).toEqual({ delivered: 0, failed: 0, skipped: 1, dropped: 0 })
    expect(await receipts[1]?.settled).toEqual({ delivered: 0, failed: 0, skipped: 1, dropped: 0 })
  })
})

describe('without a mailbox of its own', () => {
  test('a subscriber holds 10 000 events of a key, and no more', async () => {
    const { bus, journal } = recordedBus()
    const gate = deferred()
    const heard: number[] = []
    bus.on(
      Moved,
      ({ n }) => {
        heard.push(n)
        return n === 0 ? gate.promise : undefined
      },
      { name: 'busy' },
    )
    bus.publish(Moved, { key: 'a', n: 0 })
    await idle()
    const receipts = publish(bus, 10_002)
    gate.resolve()

    expect((await endOf(receipts.slice(9998))).dropped).toEqual([3, 4])
    expect(await rejection(receipts[10_000]?.accepted ?? Promise.resolve())).toMatchObject({
      code: 'MAILBOX_FULL',
      data: { subscriber: 'busy', capacity: 10_000 },
    })
    expect(heard).toEqual(Array.from({ length: 10_001 }, (_, n) => n))
    expect(recordsOf(journal, 'note', 'bus.dropped').map(({ data }) => data)).toEqual([
      { event: 'run-10002', subscriber: 'busy', overflow: 'reject' },
      { event: 'run-10003', subscriber: 'busy', overflow: 'reject' },
    ])
  })

  test('the limit is per key: a session that is stuck fills no other', async () => {
    const bus = new MessageBus()
    const stuck = deferred()
    const heard: string[] = []
    bus.on(Greeted, ({ name }, { session }) => {
      if (session === 'stuck') return stuck.promise
      heard.push(name)
      return undefined
    })
    const slow = bus.session('stuck')
    for (let n = 0; n < 10_005; n++) slow.publish(Greeted, { name: `${n}` })
    const other = bus.session('other').publish(Greeted, { name: 'Ada' })

    await other.accepted
    expect(await other.settled).toEqual({ delivered: 1, failed: 0, skipped: 0, dropped: 0 })
    expect(heard).toEqual(['Ada'])
    stuck.resolve()
  })

  test('30 000 events in one burst all arrive when each of three keys has 10 000 of them', async () => {
    const { bus, journal } = recordedBus()
    const heard: Record<string, number[]> = { a: [], b: [], c: [] }
    bus.on(Moved, ({ key, n }) => {
      heard[key]?.push(n)
      return n % 1000 === 0 ? Promise.resolve() : undefined
    })
    const receipts: Receipt[] = []
    for (let n = 0; n < 10_000; n++)
      for (const key of ['a', 'b', 'c']) receipts.push(bus.publish(Moved, { key, n }))
    await Promise.all(receipts.map(({ settled }) => settled))

    const all = Array.from({ length: 10_000 }, (_, n) => n)
    expect(heard).toEqual({ a: all, b: all, c: all })
    expect(recordsOf(journal, 'note', 'bus.dropped')).toEqual([])
  })
})

describe('at the default limit the change of how it counts loses, doubles and lets through nothing:', () => {
  const fill = (checked: ReturnType<typeof checkedBus>, sender: Publisher, count: number): void => {
    for (let n = 0; n < count; n++) checked.publish(sender, { key: 'a', mayWait: false })
  }

  test('when the limit is reached between two subscribers of one event', async () => {
    const { bus } = recordedBus()
    const checked = checkedBus(bus)
    for (const isFirst of [true, false])
      checked.on({}, ({ n }, { scope }) => (isFirst && n === 1 ? fill(checked, scope, 10_001) : undefined))
    checked.publish(bus, { key: 'a', mayWait: true })
    await bus.stop()

    await checked.compare()
    expect(checked.dropped).toBe(3)
  })

  test('when what was refused has still to be gone through as the last one is delivered', async () => {
    const { bus } = recordedBus()
    const checked = checkedBus(bus)
    checked.on({}, ({ n }, { scope }) => (n === 1 ? fill(checked, scope, 2) : undefined))
    fill(checked, bus, 10_001)
    await bus.stop()

    await checked.compare()
    expect(checked.dropped).toBe(2)
  })

  test('when a lane goes on by itself meanwhile', async () => {
    const { bus } = recordedBus()
    const checked = checkedBus(bus)
    const gate = deferred()
    checked.on({}, ({ n }) => (n % 5000 === 1 ? gate.promise : undefined))
    fill(checked, bus, 10_001)
    await idle()
    fill(checked, bus, 3)
    gate.resolve()
    await Promise.resolve()
    fill(checked, bus, 3)
    await idle()
    fill(checked, bus, 10_002)
    await bus.stop()

    await checked.compare()
    expect(checked.dropped).toBeGreaterThan(3)
  })
})

describe('the options of a mailbox', () => {
  test.each([0, -1, 1.5, Number.NaN, Infinity])('capacity %d is refused', (capacity) => {
    expect(() => new MessageBus().on(Moved, () => undefined, { mailbox: { capacity } })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', data: { option: 'capacity' } }),
    )
  })

  test('an unknown overflow policy is refused', () => {
    const options: object = { mailbox: { overflow: 'explode' } }
    expect(() => new MessageBus().on(Moved, () => undefined, options)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', data: { option: 'overflow' } }),
    )
  })
})

describe('a bus agrees with arrays about every mailbox', () => {
  const mailbox = fc.option(
    fc.record({ capacity: fc.integer({ min: 1, max: 4 }), overflow: fc.constantFrom(...OVERFLOWS) }),
    { nil: undefined },
  )
  const subscriber = fc.record({ mailbox, ownKey: fc.boolean(), throughLayers: fc.boolean() })
  const event = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    turned: fc.boolean(),
    how: fc.constantFrom('sync', 'async', 'throws', 'rejects', 'nests', 'nests twice', 'publishes', 'leaves'),
    pause: fc.nat({ max: 3 }),
  })

  test('under any capacities, policies, keys, delays, failures, nested publishes and departures', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(subscriber, { minLength: 1, maxLength: 3 }),
        fc.array(event, { maxLength: 30, size: 'max' }),
        async (scheduler, subscribers, events) => {
          const { bus, journal } = recordedBus({ newId: () => 'run' })
          const checked = checkedBus(bus)
          for (const { mailbox: limits, ownKey, throughLayers } of subscribers) {
            const options = {
              ...(limits && { mailbox: limits }),
              ...(ownKey && { key: () => 'mine' }),
              ...(throughLayers && { timeout: 1e9 }),
            }
            checked.on(options, ({ key, n }, { scope, off, index }) => {
              const how = events[n - 1]?.how ?? 'sync'
              if (how === 'throws') throw new Error('sync')
              if (how === 'leaves') off()
              if (index === 0 && how.startsWith('nests')) checked.publish(scope, { key, mayWait: false })
              if (index === 0 && how === 'nests twice') checked.publish(scope, { key: 'b', mayWait: false })
              if (index === 0 && how === 'publishes') checked.publish(bus, { key, mayWait: true })
              if (how === 'sync') return undefined
              return scheduler.schedule(Promise.resolve()).then(() => {
                if (how === 'rejects') throw new Error('async')
              })
            })
          }
          const publishing = (async () => {
            for (const { key, turned, pause } of events) {
              if (pause === 0) await scheduler.schedule(Promise.resolve())
              checked.publish(bus, { key, turned, mayWait: true })
            }
          })()
          await scheduler.waitFor(publishing)
          await scheduler.waitFor(bus.stop())

          await checked.compare()
          expect(recordsOf(journal, 'note', 'bus.dropped')).toHaveLength(checked.dropped)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('also where the default limit makes it change how it counts, there and back', async () => {
    const burst = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      count: fc.constantFrom(1, 3, 4000, 9999, 10_001),
      pause: fc.constantFrom(0, 0, 0, 1, 20),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(burst, { minLength: 2, maxLength: 5 }),
        fc.array(fc.integer({ min: 2, max: 97 }), { minLength: 1, maxLength: 2 }),
        fc.boolean(),
        async (bursts, rhythms, hasLayer) => {
          const { bus, journal } = recordedBus({ newId: () => 'run' })
          if (hasLayer) bus.use((_, next) => next(), { for: [Turned] })
          const checked = checkedBus(bus)
          let nested = 9000
          for (const rhythm of rhythms)
            checked.on({}, ({ key, n }, { scope, index }) => {
              const beat = n % rhythm
              const more = index === 0 && n % 1009 === 0 ? Math.min(nested, 1500) : 0
              nested -= more
              for (let count = 0; count < more; count++) checked.publish(scope, { key, mayWait: false })
              if (beat === 0) return Promise.resolve()
              return beat === 1 && n % 50 === 0 ? idle(1) : undefined
            })
          for (const { key, count, pause } of bursts) {
            for (let n = 0; n < count; n++) checked.publish(bus, { key, turned: n % 7 === 0, mayWait: true })
            if (pause > 0) await idle(pause)
          }
          await bus.stop()

          await checked.compare()
          expect(recordsOf(journal, 'note', 'bus.dropped')).toHaveLength(checked.dropped)
        },
      ),
      { numRuns: 4 },
    )
  }, 60_000)
})

/** Publishes the numbers 1 … count. */
function publish(sender: Pick<MessageBus, 'publish'>, count: number, key = 'a'): Receipt[] {
  return Array.from({ length: count }, (_, index) => sender.publish(Moved, { key, n: index + 1 }))
}

/** Which of those (by their place, from 1) were dropped, and which refused. */
async function endOf(receipts: Receipt[]): Promise<{ dropped: number[]; refused: number[] }> {
  const dropped: number[] = []
  const refused: number[] = []
  for (const [index, { accepted, settled }] of receipts.entries()) {
    await accepted.catch(() => refused.push(index + 1))
    if ((await settled).dropped > 0) dropped.push(index + 1)
  }
  return { dropped, refused }
}

function outcomeOf(overflow: Overflow, count: number): Outcome {
  const found = outcomes.find((one) => one.overflow === overflow && one.count === count)
  if (!found) throw new Error(`No outcome for ${overflow} and ${count}.`)
  return found
}

type Options = NonNullable<Parameters<MessageBus['on']>[2]>
type Publisher = Pick<MessageBus, 'publish'>

interface Inside {
  scope: Publisher
  off: () => void
  index: number
}

/** A bus whose every step is held against {@link MailboxModel}s while it happens. */
function checkedBus(bus: MessageBus): {
  readonly dropped: number
  on(
    options: Options,
    subscriber: (data: { key: string; n: number }, inside: Inside) => void | Promise<void>,
  ): void
  publish(sender: Publisher, event: { key: string; turned?: boolean; mayWait: boolean }): void
  compare(): Promise<void>
} {
  const models: { model: MailboxModel; ownKey: boolean }[] = []
  const receipts: { receipt: Receipt; targets: number }[] = []
  const ended = { delivered: 0, failed: 0 }
  return {
    get dropped() {
      return models.reduce((sum, { model }) => sum + model.dropped.size, 0)
    },
    on(options, subscriber) {
      const model = new MailboxModel(options.mailbox)
      const index = models.length
      const ownKey = options.key !== undefined
      models.push({ model, ownKey })
      const off = bus.on(
        [Moved, Turned],
        (data, scope) => {
          const lane = ownKey ? 'mine' : data.key
          const finish = (how: keyof typeof ended): void => {
            model.ends(lane)
            ended[how]++
          }
          model.begins(lane, data.n)
          const leave = (): void => {
            model.active = false
            off()
          }
          try {
            const outcome = subscriber(data, { scope, off: leave, index })
            if (!outcome) return finish('delivered')
            return outcome.then(
              () => finish('delivered'),
              (error: unknown) => {
                finish('failed')
                throw error
              },
            )
          } catch (error) {
            finish('failed')
            throw error
          }
        },
        options,
      )
    },
    publish(sender, { key, turned = false, mayWait }) {
      const n = receipts.length + 1
      const event = turned ? Turned : Moved
      const targets = models.filter(({ model }) => model.active).length
      receipts.push({ receipt: sender.publish(event, { key, n }), targets })
      for (const { model, ownKey } of models)
        model.published(ownKey ? 'mine' : key, { n, type: event.type }, mayWait)
    },
    async compare() {
      const sum = { delivered: 0, failed: 0, skipped: 0, dropped: 0 }
      for (const [index, { receipt, targets }] of receipts.entries()) {
        const n = index + 1
        const report = await receipt.settled
        const { delivered, failed, skipped, dropped } = report
        if (delivered + failed + skipped + dropped !== targets)
          expect({ n, ...report }).toBe(`${targets} in all`)
        const refused = await receipt.accepted.then(
          () => false,
          () => true,
        )
        if (refused !== models.some(({ model }) => model.rejected.has(n)))
          expect(refused).toBe(`something else for ${n}`)
        if (dropped !== models.filter(({ model }) => model.dropped.has(n)).length)
          expect(dropped).toBe(`something else for ${n}`)
        sum.delivered += delivered
        sum.failed += failed
        sum.skipped += skipped
      }
      expect(sum).toEqual({
        ...ended,
        skipped: models.reduce((count, { model }) => count + model.waiting.length, 0),
        dropped: 0,
      })
      for (const { model } of models) if (model.active) expect(model.waiting).toEqual([])
    },
  }
}
