import { defineCommand, defineEvent, MessageBus } from 'busline'
import { story } from 'busline/testing'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { Carried, Carry, Greet, Greeted } from './fixtures/greeting.ts'
import { thrownBy } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

test('a command without a handler rejects with NO_HANDLER, and has a line and an error result', async () => {
  const { bus, journal } = recordedBus()

  await expect(bus.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({
    code: 'NO_HANDLER',
    message: expect.stringContaining('people.greet'),
    data: { type: 'people.greet' },
  })
  expect(story(journal)).toEqual(['command people.greet', 'result people.greet'])
  expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'error', error: { code: 'NO_HANDLER' } }])
})

test('an input that does not fit never reaches the handler, and is recorded as it was with an error result', async () => {
  const { bus, journal } = recordedBus()
  const seen: unknown[] = []
  bus.handle(Greet, (input) => {
    seen.push(input)
    return ''
  })

  await expect(bus.execute(Greet, { name: '' })).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
    message: expect.stringContaining('The input of people.greet does not fit its schema. name: '),
    data: { issues: [{ path: 'name', message: expect.any(String) }] },
  })
  expect(seen).toEqual([])
  expect(recordsOf(journal, 'command')).toMatchObject([{ type: 'people.greet', data: { name: '' } }])
  expect(recordsOf(journal, 'result')).toMatchObject([{ error: { code: 'VALIDATION_FAILED' } }])
})

test('a refused input that is not JSON either is recorded without its data', async () => {
  const { bus, journal } = recordedBus()
  const When = defineCommand('times.when', { input: z.date().max(new Date(0)), output: z.string() })

  await expect(bus.execute(When, new Date(5))).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
  expect(recordsOf(journal, 'command')).toHaveLength(1)
  expect(recordsOf(journal, 'command')[0]).not.toHaveProperty('data')
})

test('an input that JSON would lose is refused with its path before the handler runs', async () => {
  const { bus, journal } = recordedBus()
  let calls = 0
  bus.handle(Carry, () => calls++)

  await expect(bus.execute(Carry, { a: [1, { when: new Date(0) }] })).rejects.toMatchObject({
    code: 'NOT_JSON',
    data: { path: 'a[1].when', found: 'Date' },
  })
  expect(calls).toBe(0)
  expect(story(journal)).toEqual(['command things.carry', 'result things.carry'])
  expect(recordsOf(journal, 'result')).toMatchObject([{ error: { code: 'NOT_JSON' } }])
})

test('a result that JSON would lose ends its command with NOT_JSON', async () => {
  const { bus, journal } = recordedBus()
  bus.handle(Carry, () => ({ list: [undefined] }))

  await expect(bus.execute(Carry, {})).rejects.toMatchObject({ code: 'NOT_JSON', data: { path: 'list[0]' } })
  expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'error', error: { code: 'NOT_JSON' } }])
})

test('a result that does not fit its schema ends its command with INVALID_OUTPUT', async () => {
  const { bus, journal } = recordedBus()
  const Age = defineCommand('people.age', { input: z.object({}), output: z.number().positive() })
  bus.handle(Age, () => -1)

  await expect(bus.execute(Age, {})).rejects.toMatchObject({
    code: 'INVALID_OUTPUT',
    message: expect.stringContaining('The result of people.age'),
  })
  expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'error', error: { code: 'INVALID_OUTPUT' } }])
})

test('a refused command is a rejected promise, never a throw', async () => {
  const bus = new MessageBus()
  const refused = bus.execute(Greet, { name: '' })

  await expect(refused).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
})

test('event data that does not fit makes publish throw, reaches nobody and leaves a bus.rejected note', () => {
  const { bus, journal } = recordedBus()
  const heard: unknown[] = []
  bus.on('**', (data) => void heard.push(data))

  expect(thrownBy(() => bus.publish(Carried, { n: Number.NaN }))).toMatchObject({
    code: 'NOT_JSON',
    data: { path: 'n', found: 'NaN' },
  })
  expect(heard).toEqual([])
  expect(recordsOf(journal, 'event')).toEqual([])
  expect(recordsOf(journal, 'note', 'bus.rejected')).toMatchObject([
    { data: { type: 'things.carried', error: { code: 'NOT_JSON' } } },
  ])
})

test('a property that is undefined counts as absent, in inputs, events and results', async () => {
  const { bus, journal } = recordedBus()
  bus.handle(Carry, () => ({ out: undefined }))
  await bus.execute(Carry, { in: undefined })
  bus.publish(Carried, { data: undefined })

  expect(recordsOf(journal, 'command')).toMatchObject([{ data: {} }])
  expect(recordsOf(journal, 'result')).toMatchObject([{ output: {} }])
  expect(recordsOf(journal, 'event')).toMatchObject([{ data: {} }])
})

test('a result of undefined counts as absent', async () => {
  const { bus, journal } = recordedBus()
  bus.handle(Carry, () => undefined)

  expect(await bus.execute(Carry, {})).toBeUndefined()
  expect(recordsOf(journal, 'result')[0]).not.toHaveProperty('output')
})

test('the record holds what was parsed: defaults applied, unknown keys gone, transforms done', async () => {
  const { bus, journal } = recordedBus()
  const Search = defineCommand('web.search', {
    input: z.object({ text: z.string().trim(), limit: z.number().default(10) }),
    output: z.object({ found: z.number().default(0) }),
  })
  const Searched = defineEvent('web.searched', { data: z.object({ text: z.string().toUpperCase() }) })
  const seen: unknown[] = []
  bus.handle(Search, (input) => {
    seen.push(input)
    return {}
  })
  const query = { text: ' bus ', more: true }

  expect(await bus.execute(Search, query)).toEqual({ found: 0 })
  bus.publish(Searched, { text: 'bus' })
  expect(seen).toEqual([{ text: 'bus', limit: 10 }])
  expect(recordsOf(journal, 'command')).toMatchObject([{ data: { text: 'bus', limit: 10 } }])
  expect(recordsOf(journal, 'command')[0]).not.toHaveProperty('data.more')
  expect(recordsOf(journal, 'result')).toMatchObject([{ output: { found: 0 } }])
  expect(recordsOf(journal, 'event')).toMatchObject([{ data: { text: 'BUS' } }])
})

test('a default that JSON would lose is refused, not recorded as null', async () => {
  const { bus } = recordedBus()
  const Search = defineCommand('web.search', {
    input: z.object({ limit: z.number().default(Infinity) }),
    output: z.string(),
  })
  bus.handle(Search, () => '')

  await expect(bus.execute(Search, {})).rejects.toMatchObject({ code: 'NOT_JSON', data: { path: 'limit' } })
})

test('a schema that refers to itself can be handled', async () => {
  const { bus } = recordedBus()
  const Folder = z.object({
    name: z.string(),
    get folders() {
      return z.array(Folder)
    },
  })
  const Walk = defineCommand('files.walk', { input: Folder, output: z.number() })
  bus.handle(Walk, ({ folders }) => folders.length)

  const tree = { name: '/', folders: [{ name: 'etc', folders: [] }] }
  expect(await bus.execute(Walk, tree)).toBe(1)
})

test('a value nested too deep to be written is refused with a code, and its command ends', async () => {
  const { bus, journal } = recordedBus()
  bus.handle(Carry, () => nested(100_000))

  await expect(bus.execute(Carry, nested(100_000))).rejects.toMatchObject({ code: 'NOT_JSON' })
  await expect(bus.execute(Carry, {})).rejects.toMatchObject({ code: 'NOT_JSON' })
  expect(() => bus.publish(Carried, nested(100_000))).toThrow(expect.objectContaining({ code: 'NOT_JSON' }))
  expect(recordsOf(journal, 'result')).toHaveLength(2)
  expect(await bus.stop({ deadline: 0 })).toEqual({ completed: 0, abandoned: [], timedOut: false })
})

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = [value]
  return value
}

test('a handler sees the whole input where `record` keeps the journal short', async () => {
  const { bus, journal } = recordedBus()
  const Store = defineCommand('texts.store', {
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string() }),
    record: ({ text }) => ({ length: text.length }),
    recordOutput: ({ text }) => ({ out: text.length }),
  })
  bus.handle(Store, ({ text }) => ({ text: text + text }))

  expect(await bus.execute(Store, { text: 'abc' })).toEqual({ text: 'abcabc' })
  expect(recordsOf(journal, 'command')).toMatchObject([{ data: { length: 3 } }])
  expect(recordsOf(journal, 'result')).toMatchObject([{ output: { out: 6 } }])
})

test('a `record` that throws or yields no JSON refuses the command before its handler', async () => {
  const { bus, journal } = recordedBus()
  let calls = 0
  const broken = new Error('broken record')
  const Throws = defineCommand('a.throws', {
    input: z.object({}),
    output: z.number(),
    record: () => {
      throw broken
    },
  })
  const Loses = defineCommand('a.loses', {
    input: z.object({}),
    output: z.number(),
    record: () => ({ f: () => 1 }),
  })
  bus.handle(Throws, () => calls++)
  bus.handle(Loses, () => calls++)

  await expect(bus.execute(Throws, {})).rejects.toBe(broken)
  await expect(bus.execute(Loses, {})).rejects.toMatchObject({ code: 'NOT_JSON', data: { path: 'f' } })
  expect(calls).toBe(0)
  expect(recordsOf(journal, 'result')).toHaveLength(2)
})

test('two definitions of one type are refused on one bus, whichever kinds they are', async () => {
  const bus = new MessageBus()
  const Other = defineCommand('people.greet', { input: z.object({}), output: z.string() })
  const Event = defineEvent('people.greet', { data: z.object({}) })
  bus.handle(Greet, () => '')

  expect(() => bus.handle(Other, () => '')).toThrow(expect.objectContaining({ code: 'DUPLICATE_TYPE' }))
  expect(() => bus.on(Event, () => undefined)).toThrow(
    expect.objectContaining({ code: 'DUPLICATE_TYPE', data: { type: 'people.greet' } }),
  )
  await expect(bus.execute(Other, {})).rejects.toMatchObject({ code: 'DUPLICATE_TYPE' })
})

test('one definition may be handled, executed and subscribed to any number of times', async () => {
  const bus = new MessageBus()
  bus.handle(Greet, () => 'one')()
  bus.handle(Greet, () => 'two')
  bus.on(Greeted, () => undefined)
  bus.on([Greeted, Greeted], () => undefined)

  expect(await bus.execute(Greet, { name: 'Ada' })).toBe('two')
})

test('two buses share nothing: handlers, subscribers, types, ids, taps, secrets', async () => {
  const one = recordedBus()
  const two = recordedBus()
  const heard: unknown[] = []
  const tapped: unknown[] = []
  const Other = defineEvent('people.greet', { data: z.object({}) })
  one.bus.handle(Greet, () => 'one')
  one.bus.on(Greeted, (data) => void heard.push(data))
  one.bus.tap((record) => tapped.push(record.type))
  one.bus.secret('sk-0123456789')

  await two.bus.publish(Greeted, { name: 'sk-0123456789' }).settled
  two.bus.on(Other, () => undefined)
  expect(heard).toEqual([])
  expect(tapped).toEqual([])
  expect(two.journal.lines.join('\n')).toContain('sk-0123456789')
  expect(recordsOf(two.journal, 'event')).toMatchObject([{ id: 'run-1' }])
  expect(one.journal.lines).toHaveLength(1)
})
