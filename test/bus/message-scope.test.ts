import { defineCommand, defineEvent, MessageBus, type Scope } from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Greet, Greeted } from './fixtures/greeting.ts'
import { idle } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

const Down = defineCommand('stairs.down', { input: z.object({ n: z.number() }), output: z.number() })
const Stepped = defineEvent('stairs.stepped', { data: z.object({ n: z.number() }) })

describe('a hundred deep, nothing deadlocks:', () => {
  test('commands that answer at once', async () => {
    const bus = new MessageBus()
    bus.handle(Down, ({ n }, scope) =>
      n === 0 ? 0 : scope.execute(Down, { n: n - 1 }).then((depth) => depth + 1),
    )

    expect(await bus.execute(Down, { n: 100 })).toBe(100)
  })

  test('commands that answer later', async () => {
    const bus = new MessageBus()
    bus.handle(Down, async ({ n }, scope) => {
      await Promise.resolve()
      return n === 0 ? 0 : (await scope.execute(Down, { n: n - 1 })) + 1
    })

    expect(await bus.execute(Down, { n: 100 })).toBe(100)
  })

  test('events published by the deliveries of events', async () => {
    const bus = new MessageBus()
    const heard: number[] = []
    bus.on(Stepped, ({ n }, scope) => {
      heard.push(n)
      if (n > 0) scope.publish(Stepped, { n: n - 1 })
    })
    bus.publish(Stepped, { n: 100 })
    await bus.stop()

    expect(heard).toEqual(Array.from({ length: 101 }, (_, index) => 100 - index))
  })

  test('commands inside of deliveries inside of commands, each awaited where that can end', async () => {
    const { bus, journal } = recordedBus()
    const keyed = defineEvent('stairs.keyed', { data: z.object({ n: z.number() }), key: ({ n }) => `${n}` })
    bus.handle(Down, async ({ n }, scope) => {
      if (n === 0) return 0
      const { failed } = await scope.publish(keyed, { n }).settled
      return failed
    })
    bus.on(keyed, async ({ n }, scope) => {
      if ((await scope.execute(Down, { n: n - 1 })) > 0) throw new Error('something below failed')
    })

    expect(await bus.execute(Down, { n: 100 })).toBe(0)
    expect(recordsOf(journal, 'command')).toHaveLength(101)
    expect(recordsOf(journal, 'event')).toHaveLength(100)
  })
})

describe('a scope', () => {
  test('tells the message that it belongs to', async () => {
    const bus = new MessageBus({ newId: () => 'run', now: () => 1000 })
    const seen: unknown[] = []
    const look = ({ message, session, turn, cause }: Scope): void => {
      const { kind, type, id, root, time } = message
      seen.push({ kind, type, id, root, time, session, turn, cause })
    }
    bus.handle(Greet, ({ name }, scope) => {
      look(scope)
      scope.publish(Greeted, { name })
      return ''
    })
    bus.on(Greeted, (_, scope) => look(scope))
    await bus.session('s1').execute(Greet, { name: 'Ada' })
    await idle()

    expect(seen).toEqual([
      {
        kind: 'command',
        type: 'people.greet',
        id: 'run-1',
        root: 'run-1',
        time: 1000,
        session: 's1',
        turn: undefined,
        cause: undefined,
      },
      {
        kind: 'event',
        type: 'people.greeted',
        id: 'run-1.1',
        root: 'run-1',
        time: 1000,
        session: 's1',
        turn: undefined,
        cause: 'run-1',
      },
    ])
  })

  test('hands hidden context down to commands and deliveries, and never to the journal', async () => {
    const { bus, journal } = recordedBus()
    const seen: unknown[] = []
    bus.handle(Down, async ({ n }, scope) => {
      if (n > 0) return scope.execute(Down, { n: n - 1 })
      seen.push(scope.context)
      scope.publish(Greeted, { name: 'Ada' })
      return n
    })
    bus.on(Greeted, (_, scope) => void seen.push(scope.context))
    const context = { user: 'hidden-user', handle: () => 1 }
    await bus.execute(Down, { n: 2 }, { context })
    await idle()

    expect(seen).toEqual([context, context])
    expect(journal.lines.join('')).not.toContain('hidden-user')
  })

  test('has an empty context where none was given', async () => {
    const bus = new MessageBus()
    const seen: unknown[] = []
    bus.handle(Greet, (_, { context }) => {
      seen.push(context)
      return ''
    })
    await bus.execute(Greet, { name: 'Ada' })

    expect(seen).toEqual([{}])
  })

  test('makes one signal, however often it is read', async () => {
    const bus = new MessageBus()
    bus.handle(Greet, (_, scope) => `${scope.signal === scope.signal && !scope.signal.aborted}`)

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('true')
  })
})
