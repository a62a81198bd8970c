import { defineEvent, DeliveryFailed, MessageBus, type Scope, type SubscribeOptions } from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Greet, Greeted, Moved } from './fixtures/greeting.ts'
import { deferred, idle, type Deferred } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'
import { runScript } from './fixtures/run-script.ts'

describe('a delivery', () => {
  test('never begins inside publish, and begins in a microtask', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    bus.on(Greeted, ({ name }) => void heard.push(name))
    bus.publish(Greeted, { name: 'Ada' })
    expect(heard).toEqual([])

    await Promise.resolve()
    expect(heard).toEqual(['Ada'])
  })

  test('that is published inside a delivery begins after it, not inside it', async () => {
    const bus = new MessageBus()
    const story: string[] = []
    bus.on(Greeted, ({ name }, scope) => {
      story.push(`${name} begins`)
      if (name === 'Ada') scope.publish(Greeted, { name: 'Bob' })
      story.push(`${name} ends`)
    })
    bus.publish(Greeted, { name: 'Ada' })
    await idle()

    expect(story).toEqual(['Ada begins', 'Ada ends', 'Bob begins', 'Bob ends'])
  })

  test('reaches every subscriber, in the order in which they subscribed', async () => {
    const bus = new MessageBus()
    const heard: number[] = []
    for (const n of [1, 2, 3]) bus.on(Greeted, () => void heard.push(n))
    await bus.publish(Greeted, { name: 'Ada' }).settled

    expect(heard).toEqual([1, 2, 3])
  })

  test('hands on the parsed data and the scope of its event', async () => {
    const bus = new MessageBus({ newId: () => 'run', now: () => 1000 })
    const seen: unknown[] = []
    bus.on(Greeted, (data, { message, session, cause, turn, deadline }) => {
      seen.push({ data, message, session, cause, turn, deadline })
    })
    const name = { name: 'Ada', unknown: 1 }
    await bus.session('s1').publish(Greeted, name).settled

    expect(seen).toMatchObject([
      {
        data: { name: 'Ada' },
        message: { kind: 'event', type: 'people.greeted', id: 'run-1', root: 'run-1', time: 1000 },
        session: 's1',
        cause: undefined,
        turn: undefined,
        deadline: undefined,
      },
    ])
    expect(seen).not.toHaveProperty('0.data.unknown')
  })

  test('that was accepted is discarded when its subscriber leaves before it begins', async () => {
    const { bus, journal } = recordedBus()
    const heard: string[] = []
    const off = bus.on(Greeted, function listener({ name }) {
      heard.push(name)
    })
    const receipt = bus.publish(Greeted, { name: 'Ada' })
    off()

    expect(await receipt.settled).toEqual({ delivered: 0, failed: 0, skipped: 1, dropped: 0 })
    expect(heard).toEqual([])
    expect(recordsOf(journal, 'note', 'bus.discarded')).toMatchObject([
      { cause: 'run-1', data: { event: 'run-1', subscriber: 'listener' } },
    ])
  })

  test('reaches nobody who subscribed after it was published', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    bus.publish(Greeted, { name: 'Ada' })
    bus.on(Greeted, ({ name }) => void heard.push(name))
    await idle()

    expect(heard).toEqual([])
  })
})

describe('order', () => {
  test('one subscriber gets the events of one key one at a time, however long each takes', async () => {
    const bus = new MessageBus()
    const gates = new Map([1, 2, 3].map((n) => [n, deferred()]))
    const story: string[] = []
    bus.on(Moved, async ({ n }) => {
      story.push(`${n} begins`)
      await gates.get(n)?.promise
      story.push(`${n} ends`)
    })
    for (const n of [1, 2, 3]) bus.publish(Moved, { key: 'a', n })
    gates.get(3)?.resolve()
    gates.get(2)?.resolve()
    await idle()
    expect(story).toEqual(['1 begins'])

    gates.get(1)?.resolve()
    await idle()
    expect(story).toEqual(['1 begins', '1 ends', '2 begins', '2 ends', '3 begins', '3 ends'])
  })

  test('different keys go on in parallel', async () => {
    const bus = new MessageBus()
    const stuck = deferred()
    const heard: string[] = []
    bus.on(Moved, ({ key, n }) => {
      heard.push(`${key}${n}`)
      return key === 'a' ? stuck.promise : undefined
    })
    bus.publish(Moved, { key: 'a', n: 1 })
    bus.publish(Moved, { key: 'a', n: 2 })
    await bus.publish(Moved, { key: 'b', n: 1 }).settled
    await bus.publish(Moved, { key: 'b', n: 2 }).settled

    expect(heard).toEqual(['a1', 'b1', 'b2'])
    stuck.resolve()
  })

  test('the key of an event that names none is its session', async () => {
    const bus = new MessageBus()
    const stuck = deferred()
    const heard: unknown[] = []
    bus.on(Greeted, ({ name }, { session }) => {
      heard.push([session, name])
      return session === 's1' ? stuck.promise : undefined
    })
    bus.session('s1').publish(Greeted, { name: 'Ada' })
    bus.session('s1').publish(Greeted, { name: 'Bob' })
    await bus.session('s2').publish(Greeted, { name: 'Cyd' }).settled
    await bus.publish(Greeted, { name: 'Dan' }).settled

    expect(heard).toEqual([
      ['s1', 'Ada'],
      ['s2', 'Cyd'],
      [undefined, 'Dan'],
    ])
    stuck.resolve()
  })

  test('a slow subscriber holds no other up', async () => {
    const bus = new MessageBus()
    const stuck = deferred()
    const heard: number[] = []
    bus.on(Moved, () => stuck.promise)
    bus.on(Moved, ({ n }) => void heard.push(n))
    for (const n of [1, 2, 3]) bus.publish(Moved, { key: 'a', n })
    await idle()

    expect(heard).toEqual([1, 2, 3])
    stuck.resolve()
  })

  test('a subscriber to several events gets them in the order of their records', async () => {
    const { bus, journal } = recordedBus()
    const Left = defineEvent('people.left', { data: z.object({ name: z.string() }) })
    const heard: string[] = []
    bus.on([Greeted, Left], async ({ name }, { message }) => {
      await idle(1)
      heard.push(`${message.type} ${name}`)
    })
    bus.publish(Greeted, { name: 'Ada' })
    bus.publish(Left, { name: 'Ada' })
    await bus.publish(Greeted, { name: 'Bob' }).settled

    expect(heard).toEqual(['people.greeted Ada', 'people.left Ada', 'people.greeted Bob'])
    expect(recordsOf(journal, 'event').map(({ type }) => type)).toEqual([
      'people.greeted',
      'people.left',
      'people.greeted',
    ])
  })

  test('holds per subscriber and key under any delays, nesting and failures', async () => {
    const plan = fc.array(
      fc.record({
        key: fc.constantFrom('a', 'b', 'c'),
        how: fc.constantFrom('sync', 'async', 'throws', 'rejects', 'nests'),
        pause: fc.boolean(),
      }),
      { maxLength: 15 },
    )
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, async (scheduler, events) => {
        const bus = new MessageBus()
        const accepted: Record<string, number[]> = { a: [], b: [], c: [] }
        const heard = [1, 2, 3].map((): typeof accepted => ({ a: [], b: [], c: [] }))
        const busy = new Set<string>()
        let count = 0
        const publish = (sender: Pick<typeof bus, 'publish'>, key: string): unknown => {
          accepted[key]?.push(++count)
          return sender.publish(Moved, { key, n: count })
        }
        heard.forEach((lists, subscriber) => {
          bus.on(Moved, ({ key, n }, scope) => {
            const lane = `${subscriber} ${key}`
            expect(busy).not.toContain(lane)
            lists[key]?.push(n)
            const how = events[n - 1]?.how ?? 'sync'
            if (how === 'sync') return undefined
            if (how === 'throws') throw new Error('sync')
            if (how === 'nests' && subscriber === 0) publish(scope, key)
            busy.add(lane)
            return scheduler.schedule(Promise.resolve()).then(() => {
              busy.delete(lane)
              if (how === 'rejects') throw new Error('async')
            })
          })
        })
        const publishing = (async () => {
          for (const { key, pause } of events) {
            if (pause) await scheduler.schedule(Promise.resolve())
            publish(bus, key)
          }
        })()
        await scheduler.waitFor(publishing)
        await scheduler.waitFor(bus.stop())

        expect(heard).toEqual([accepted, accepted, accepted])
      }),
      { numRuns: 150 },
    )
  })
})

describe('a failing subscriber', () => {
  test.each([
    [
      'throws',
      (): void => {
        throw new Error('no')
      },
    ],
    ['rejects', (): Promise<void> => Promise.reject(new Error('no'))],
  ])('that %s reaches nobody else, and is told by bus.deliveryFailed', async (_, failing) => {
    const { bus, journal } = recordedBus()
    const heard: string[] = []
    const failures: unknown[] = []
    bus.on(Greeted, () => void heard.push('first'))
    bus.on(Greeted, failing, { name: 'the failing one' })
    bus.on(Greeted, () => void heard.push('last'))
    bus.on(DeliveryFailed, (data) => void failures.push(data))
    const receipt = bus.publish(Greeted, { name: 'Ada' })

    expect(await receipt.settled).toEqual({ delivered: 2, failed: 1, skipped: 0, dropped: 0 })
    await idle()
    expect(heard).toEqual(['first', 'last'])
    expect(failures).toEqual([
      {
        event: { id: 'run-1', type: 'people.greeted' },
        subscriber: 'the failing one',
        attempt: 1,
        error: { code: 'HANDLER_FAILED', name: 'Error', message: 'no' },
      },
    ])
    expect(recordsOf(journal, 'event', 'bus.deliveryFailed')).toMatchObject([
      { cause: 'run-1', root: 'run-1', data: failures[0] },
    ])
  })

  test('gets the next event all the same', async () => {
    const bus = new MessageBus()
    const heard: number[] = []
    bus.on(Moved, async ({ n }) => {
      heard.push(n)
      await idle(1)
      throw new Error('no')
    })
    bus.publish(Moved, { key: 'a', n: 1 })
    await bus.publish(Moved, { key: 'a', n: 2 }).settled

    expect(heard).toEqual([1, 2])
  })

  test('is named by its function where it was given no name', async () => {
    const { bus, journal } = recordedBus()
    bus.on(Greeted, function keepLedger() {
      throw new Error('no')
    })
    bus.on(Greeted, () => {
      throw new Error('no')
    })
    await bus.publish(Greeted, { name: 'Ada' }).settled

    expect(recordsOf(journal, 'event', 'bus.deliveryFailed')).toMatchObject([
      { data: { subscriber: 'keepLedger' } },
      { data: { subscriber: 'anonymous' } },
    ])
  })

  test('on bus.deliveryFailed itself is noted once and does not loop', async () => {
    const { bus, journal } = recordedBus()
    bus.on('**', () => {
      throw new Error('no')
    })
    bus.on(DeliveryFailed, () => Promise.reject(new Error('neither')))
    bus.publish(Greeted, { name: 'Ada' })
    await idle(20)

    expect(recordsOf(journal, 'event').map(({ type }) => type)).toEqual([
      'people.greeted',
      'bus.deliveryFailed',
    ])
    expect(recordsOf(journal, 'note', 'bus.deliveryFailed')).toHaveLength(2)
  })

  test('that throws what no journal can hold is told all the same', async () => {
    const { bus, journal } = recordedBus()
    const hostile = Object.assign(new Error('x'), { message: { at: 10n }, name: Symbol('odd') })
    bus.on(Greeted, () => {
      throw hostile
    })
    bus.on(Greeted, () => Promise.reject(hostile))

    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ failed: 2 })
    expect(recordsOf(journal, 'event', 'bus.deliveryFailed')).toHaveLength(2)
  })

  test('that fails after the bus gave it up and stopped disturbs nobody', async () => {
    const { bus } = recordedBus()
    const late: Deferred<void> = deferred()
    bus.on(Greeted, () => late.promise)
    const receipt = bus.publish(Greeted, { name: 'Ada' })
    await bus.stop({ deadline: 1 })
    late.reject(new Error('too late'))

    expect(await receipt.settled).toEqual({ delivered: 0, failed: 0, skipped: 1, dropped: 0 })
  })
})

test('nothing that handlers, subscribers, taps, middleware and participants do makes an unhandled rejection', async () => {
  const script = new URL('./fixtures/fails-everywhere.ts', import.meta.url)

  expect(await runScript(script)).toEqual({ code: 0, signal: null, stdout: 'still here\n', stderr: '' })
})

test('a command executed inside a delivery answers while the delivery waits for it', async () => {
  const bus = new MessageBus()
  const answers: string[] = []
  bus.handle(Greet, async ({ name }) => {
    await idle(1)
    return `hello ${name}`
  })
  bus.on(Greeted, async ({ name }, scope) => {
    answers.push(await scope.execute(Greet, { name }))
  })
  await bus.publish(Greeted, { name: 'Ada' }).settled

  expect(answers).toEqual(['hello Ada'])
})

describe('an endless chain leaves timers and I/O their turn', () => {
  test.each<{ what: string; options: SubscribeOptions }>([
    { what: 'in the default mailbox', options: {} },
    { what: 'in a mailbox of its own', options: { mailbox: { capacity: 5 } } },
    { what: 'with attempts', options: { retry: 2, mailbox: { capacity: 5 } } },
  ])('$what', async ({ options }) => {
    for (const isAsync of [true, false]) {
      const bus = new MessageBus({ maxDepth: 1_000_000 })
      let left = 100_000
      const again = (data: { key: string; n: number }, scope: Scope): void => {
        if (left-- > 0) scope.publish(Moved, data)
      }
      const againLater = async (data: { key: string; n: number }, scope: Scope): Promise<void> => {
        await Promise.resolve()
        again(data, scope)
      }
      bus.on(Moved, isAsync ? againLater : again, options)
      bus.publish(Moved, { key: 'a', n: 1 })
      await new Promise((resolve) => setTimeout(resolve, 0))

      // It goes on, so it was neither through nor had it failed.
      const before = left
      await idle()
      expect(before).toBeGreaterThan(0)
      expect(left).toBeLessThan(before)
      left = 0
    }
  })
})

test('a chain may be as long as maxDepth says', async () => {
  const bus = new MessageBus({ maxDepth: 50_000 })
  let heard = 0
  bus.on(Moved, (data, scope) => {
    if (++heard < 50_000) scope.publish(Moved, data)
  })
  bus.publish(Moved, { key: 'a', n: 1 })
  await bus.stop()

  expect(heard).toBe(50_000)
  expect(bus.deadLetters.size).toBe(0)
})
