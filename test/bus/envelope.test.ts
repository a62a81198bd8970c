import { defineCommand, memoryJournal, MessageBus } from 'busline'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { Greet, Greeted } from './fixtures/greeting.ts'
import { idle } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

const Plan = defineCommand('work.plan', { input: z.object({ depth: z.number() }), output: z.string() })

test("a root's id is the prefix and a counter, which commands and events share", async () => {
  const { bus, journal } = recordedBus()
  bus.handle(Greet, ({ name }) => name)
  await bus.execute(Greet, { name: 'Ada' })
  bus.publish(Greeted, { name: 'Ada' })
  await bus.session('s1').execute(Greet, { name: 'Ada' })

  expect(journal.records.flatMap(({ id }) => id ?? [])).toEqual(['run-1', 'run-2', 'run-3'])
  expect(recordsOf(journal, 'event')).toMatchObject([{ root: 'run-2' }])
  expect(recordsOf(journal, 'event')[0]).not.toHaveProperty('cause')
})

test("a child's id is its cause's and an ordinal; root and cause tell where it came from", async () => {
  const { bus, journal } = recordedBus()
  bus.handle(Plan, async ({ depth }, scope) => {
    if (depth === 0) return ''
    scope.publish(Greeted, { name: `${depth}` })
    await scope.execute(Plan, { depth: depth - 1 })
    return scope.execute(Plan, { depth: 0 })
  })
  bus.on(Greeted, async ({ name }, scope) => {
    if (name === '2') await scope.execute(Plan, { depth: 0 })
  })
  await bus.execute(Plan, { depth: 2 })
  await idle()

  const tree = journal.records.flatMap(({ id, cause, root }) => (id ? [{ id, cause, root }] : []))
  expect(tree.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
    { id: 'run-1', cause: undefined, root: 'run-1' },
    { id: 'run-1.1', cause: 'run-1', root: 'run-1' },
    { id: 'run-1.1.1', cause: 'run-1.1', root: 'run-1' },
    { id: 'run-1.2', cause: 'run-1', root: 'run-1' },
    { id: 'run-1.2.1', cause: 'run-1.2', root: 'run-1' },
    { id: 'run-1.2.2', cause: 'run-1.2', root: 'run-1' },
    { id: 'run-1.2.3', cause: 'run-1.2', root: 'run-1' },
    { id: 'run-1.3', cause: 'run-1', root: 'run-1' },
  ])
})

test('the bus itself begins a new chain, also when it is used inside a handler', async () => {
  const { bus, journal } = recordedBus()
  bus.handle(Greet, async ({ name }) => {
    bus.publish(Greeted, { name })
    return name
  })
  await bus.execute(Greet, { name: 'Ada' })

  expect(recordsOf(journal, 'event')).toMatchObject([{ id: 'run-2', root: 'run-2' }])
})

test('a message that publish refuses draws no number', () => {
  const { bus, journal } = recordedBus()
  // @ts-expect-error -- the data does not fit
  expect(() => bus.publish(Greeted, { name: 5 })).toThrow('people.greeted')
  bus.publish(Greeted, { name: 'Ada' })

  expect(recordsOf(journal, 'event')).toMatchObject([{ id: 'run-1' }])
})

test('no two messages have one id, whatever the tree of causes', async () => {
  const Grow = defineCommand('tree.grow', {
    input: z.object({ plan: z.array(z.number()) }),
    output: z.string(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 4 }), async (plan) => {
      const journal = memoryJournal()
      const bus = new MessageBus({ journal })
      bus.handle(Grow, async ({ plan: [width = 0, ...rest] }, scope) => {
        const branches = Array.from({ length: width }, (_, n) => {
          scope.publish(Greeted, { name: `${n}` })
          return scope.execute(Grow, { plan: rest })
        })
        await Promise.all(branches)
        return ''
      })
      bus.on(Greeted, async (_, scope) => {
        await scope.execute(Grow, { plan: [] })
      })
      await bus.execute(Grow, { plan })
      await bus.stop()

      const ids = journal.records.flatMap(({ id }) => id ?? [])
      expect(new Set(ids).size).toBe(ids.length)
      const results = recordsOf(journal, 'result').map(({ of }) => of)
      expect(new Set(results)).toEqual(new Set(recordsOf(journal, 'command').map(({ id }) => id)))
      expect(results).toHaveLength(new Set(results).size)
    }),
    { numRuns: 30 },
  )
})

test('two buses draw different prefixes', () => {
  const ids = [1, 2].map(() => new MessageBus().publish(Greeted, { name: 'Ada' }).id)

  expect(ids[0]).toMatch(/^[0-9a-z]{10}-1$/)
  expect(ids[0]).not.toBe(ids[1])
})

test('a command that starts a turn gives its id to itself and to all that it causes', async () => {
  const { bus, journal } = recordedBus()
  const Turn = defineCommand('a.turn', { input: z.object({}), output: z.string(), startsTurn: true })
  bus.handle(Turn, (_, scope) => scope.execute(Greet, { name: 'Ada' }))
  bus.handle(Greet, ({ name }, scope) => {
    scope.publish(Greeted, { name })
    return String(scope.turn)
  })

  expect(await bus.execute(Turn, {})).toBe('run-1')
  expect(journal.records.slice(1).map(({ turn }) => turn)).toEqual(Array(5).fill('run-1'))
})

test('a command from outside may name the turn that it belongs to', async () => {
  const { bus, journal } = recordedBus()
  bus.handle(Greet, (_, scope) => String(scope.turn))

  expect(await bus.execute(Greet, { name: 'Ada' }, { turn: 'run-7' })).toBe('run-7')
  expect(recordsOf(journal, 'command')).toMatchObject([{ turn: 'run-7', root: 'run-1' }])
})
