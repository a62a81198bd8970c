import { defineCommand, defineEvent, MessageBus } from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Carry, Greet, Greeted } from './fixtures/greeting.ts'
import { deferred, idle, rejection, thrownBy } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

const Ask = defineCommand('people.ask', { input: z.object({}), output: z.string() })
const Asked = defineEvent('people.asked', { data: z.object({}) })

describe('a chain of causes that would not end is TOO_DEEP', () => {
  test('by execute: every command of it rejects with that, has two lines, and nothing goes on', async () => {
    const { bus, journal } = recordedBus()
    let runs = 0
    bus.handle(Ask, (_, scope) => {
      runs++
      return scope.execute(Ask, {})
    })
    const error = await rejection(bus.execute(Ask, {}))

    expect(error).toMatchObject({
      code: 'TOO_DEEP',
      data: { type: 'people.ask', maxDepth: 256, cycle: ['people.ask', 'people.ask'] },
      message: expect.stringContaining('people.ask → people.ask'),
    })
    expect(runs).toBe(256)
    expect(recordsOf(journal, 'command')).toHaveLength(257)
    expect(recordsOf(journal, 'result')).toHaveLength(257)
    expect(recordsOf(journal, 'result')[0]).toMatchObject({ status: 'error', error: { code: 'TOO_DEEP' } })
  })

  test('by execute that is not synchronous too', async () => {
    const bus = new MessageBus({ maxDepth: 20 })
    let runs = 0
    bus.handle(Ask, async (_, scope) => {
      runs++
      await idle(1)
      return scope.execute(Ask, {})
    })

    expect(await rejection(bus.execute(Ask, {}))).toMatchObject({ code: 'TOO_DEEP' })
    expect(runs).toBe(20)
  })

  test('by publish: the last is refused with a note, its subscriber fails, and nothing goes on', async () => {
    const { bus, journal } = recordedBus({ maxDepth: 50 })
    let heard = 0
    bus.on(Asked, (_, scope) => {
      heard++
      scope.publish(Asked, {})
    })
    bus.publish(Asked, {})
    await idle(20)

    expect(heard).toBe(50)
    expect(recordsOf(journal, 'event', 'people.asked')).toHaveLength(50)
    expect(recordsOf(journal, 'note', 'bus.rejected')).toMatchObject([
      {
        data: {
          type: 'people.asked',
          error: { code: 'TOO_DEEP', data: { cycle: ['people.asked', 'people.asked'] } },
        },
      },
      { data: { type: 'bus.deliveryFailed', error: { code: 'TOO_DEEP' } } },
    ])
    // The report of the failure would be a message of the same chain, so it is a note.
    expect(recordsOf(journal, 'note', 'bus.deliveryFailed')).toMatchObject([
      { data: { error: { code: 'TOO_DEEP' } } },
    ])
    expect(bus.deadLetters.list()).toMatchObject([{ error: { code: 'TOO_DEEP' } }])
  })

  test('by both in turns: the whole circle is named, and nothing else', async () => {
    const { bus } = recordedBus({ maxDepth: 31 })
    const errors: unknown[] = []
    const ends = deferred()
    bus.handle(Carry, (_, scope) => scope.execute(Greet, { name: 'Ada' }))
    bus.handle(Greet, ({ name }, scope) => {
      scope.publish(Greeted, { name })
      return name
    })
    bus.on(Greeted, async (_, scope) => {
      try {
        await scope.execute(Ask, {})
      } catch (error) {
        errors.push(error)
        ends.resolve()
      }
    })
    bus.handle(Ask, (_, scope) => scope.execute(Greet, { name: 'Bob' }))
    await bus.execute(Carry, 1)
    await ends.promise

    expect(errors).toMatchObject([
      {
        code: 'TOO_DEEP',
        data: { cycle: ['people.greet', 'people.greeted', 'people.ask', 'people.greet'] },
        message: expect.stringContaining('people.greet → people.greeted → people.ask → people.greet'),
      },
    ])
  })

  test('also where no type comes twice; then no circle is named', async () => {
    const { bus } = recordedBus({ maxDepth: 2 })
    bus.handle(Carry, (_, scope) => scope.execute(Greet, { name: 'Ada' }))
    bus.handle(Greet, (_, scope) => scope.execute(Ask, {}))
    bus.handle(Ask, () => 'well')
    const error = await rejection(bus.execute(Carry, 1))

    expect(error).toMatchObject({
      code: 'TOO_DEEP',
      data: { type: 'people.ask', maxDepth: 2, cycle: ['people.ask'] },
      message: expect.not.stringContaining('circle'),
    })
    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('well')
  })

  test('also behind middleware with limits of its own', async () => {
    const bus = new MessageBus({ maxDepth: 10 })
    bus.use((_, next) => next({ timeout: 1000 }))
    bus.handle(Ask, (_, scope) => scope.execute(Ask, {}))

    expect(await rejection(bus.execute(Ask, {}))).toMatchObject({
      data: { cycle: ['people.ask', 'people.ask'] },
    })
  })

  test('only on the one way down: what a handler sends one after the other is not deep', async () => {
    const bus = new MessageBus({ maxDepth: 2 })
    bus.handle(Carry, (input) => input)
    bus.handle(Ask, async (_, scope) => {
      for (let n = 0; n < 1000; n++) await scope.execute(Carry, n)
      return 'well'
    })

    expect(await bus.execute(Ask, {})).toBe('well')
  })

  test('not for a chain that begins anew with the bus', async () => {
    const bus = new MessageBus({ maxDepth: 3 })
    let left = 100
    bus.handle(Ask, async () => (left-- > 0 ? bus.execute(Ask, {}) : 'well'))

    expect(await bus.execute(Ask, {})).toBe('well')
  })
})

test('a chain as long as is allowed is no circle: publishing 100 deep works', async () => {
  const bus = new MessageBus()
  const Deep = defineEvent('things.deepened', { data: z.object({ n: z.number() }) })
  const heard: number[] = []
  bus.on(Deep, async ({ n }, scope) => {
    heard.push(n)
    if (n < 100) scope.publish(Deep, { n: n + 1 })
  })
  await bus.track((sender) => sender.publish(Deep, { n: 1 }))

  expect(heard).toHaveLength(100)
  expect(bus.deadLetters.size).toBe(0)
})

test.each([1, 7, 1000])(
  'maxDepth %s is how many messages a chain may have, the first one counted',
  async (maxDepth) => {
    const bus = new MessageBus({ maxDepth })
    let runs = 0
    bus.handle(Ask, async (_, scope) => {
      runs++
      // So deep only without everything on one stack.
      await Promise.resolve()
      return scope.execute(Ask, {})
    })
    await rejection(bus.execute(Ask, {}))

    expect(runs).toBe(maxDepth)
  },
)

test.each([0, -1, 1.5, Number.NaN, Infinity])('maxDepth %s is INVALID_OPTION', (maxDepth) => {
  expect(thrownBy(() => new MessageBus({ maxDepth }))).toMatchObject({
    code: 'INVALID_OPTION',
    data: { option: 'maxDepth' },
  })
})
