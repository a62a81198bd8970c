// Longer than 200 lines: the rows of docs/bad-input.md are the names of the tests of this one file.
import { readFileSync } from 'node:fs'
import {
  defineCommand,
  defineEvent,
  DeliveryFailed,
  MessageBus,
  type Journal,
  type JournalRecord,
} from 'busline'
import { virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Carried, Carry, Greet, Greeted, Pay } from './fixtures/greeting.ts'
import { deferred, idle, rejection, thrownBy } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'
import { clockedBus } from '../policies/fixtures/clocked-bus.ts'

/** What was recorded as a command's one result. */
function resultOf(journal: { records: JournalRecord[] }): JournalRecord | undefined {
  const results = journal.records.filter(({ kind }) => kind === 'result')
  expect(results).toHaveLength(1)
  return results[0]
}

/** A journal of which some parts do not work. */
function brokenJournal(broken: Partial<Journal>): Journal & { lines: string[] } {
  const lines: string[] = []
  return {
    lines,
    append: (line) => void lines.push(line),
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
    ...broken,
  }
}

const no = (): never => {
  throw new Error('no')
}
const never = (): Promise<never> => new Promise(() => undefined)
/** A promise to the eye, which throws when it is looked into. */
const brokenThenable = (): Promise<never> =>
  // oxlint-disable-next-line unicorn/no-thenable -- that is the test
  Object.defineProperty(new Promise(() => undefined), 'then', { value: no })
const HOSTILE = ['a\nb', '"quoted"', '\u0000\u001b[31m', '__proto__', 'constructor', 'x'.repeat(1_000_000)]

describe('handlers and subscribers', () => {
  test('a handler that throws a string, null or undefined', async () => {
    for (const thrown of ['no', null, undefined]) {
      const { bus, journal } = recordedBus()
      bus.handle(Greet, () => {
        // oxlint-disable-next-line typescript/only-throw-error -- that is the test
        throw thrown
      })

      expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toBe(thrown)
      expect(resultOf(journal)).toMatchObject({ status: 'error', error: { code: 'HANDLER_FAILED' } })
    }
  })

  test('a subscriber that throws a string, null or undefined', async () => {
    for (const thrown of ['no', null, undefined]) {
      const { bus, journal } = recordedBus()
      bus.on(Greeted, () => {
        // oxlint-disable-next-line typescript/only-throw-error -- that is the test
        throw thrown
      })

      expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ failed: 1 })
      expect(recordsOf(journal, 'event', DeliveryFailed.type)).toMatchObject([
        { data: { error: { code: 'HANDLER_FAILED' } } },
      ])
    }
  })

  test('a handler that never settles', async () => {
    const { bus, clock } = clockedBus()
    bus.handle(Greet, never)
    const forever = rejection(bus.execute(Greet, { name: 'Ada' }))
    const limited = rejection(bus.execute(Greet, { name: 'Bob' }, { timeout: 1 }))
    await clock.advance(1)
    expect(await limited).toMatchObject({ code: 'TIMED_OUT' })

    const stopping = bus.stop()
    await clock.advance(10_000)
    expect(await stopping).toMatchObject({ timedOut: true, abandoned: [{ id: 'run-1' }] })
    expect(await forever).toMatchObject({ code: 'ABANDONED' })
  })

  test('a subscriber that never settles', async () => {
    const { bus, clock } = clockedBus()
    const heard: string[] = []
    bus.on(Greeted, never)
    bus.on(Greeted, never, { timeout: 1 })
    bus.on(Greeted, ({ name }) => void heard.push(name))
    const receipt = bus.publish(Greeted, { name: 'Ada' })
    bus.publish(Greeted, { name: 'Bob' })
    const stopping = bus.stop()
    await clock.advance(10_000)

    expect((await stopping).abandoned).toHaveLength(2)
    expect(heard).toEqual(['Ada', 'Bob'])
    expect(await receipt.settled).toEqual({ delivered: 1, failed: 1, skipped: 1, dropped: 0 })
  })

  test('a handler that returns the wrong shape', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Greet, () => JSON.parse('{"greeting":1}'))

    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toMatchObject({ code: 'INVALID_OUTPUT' })
    expect(resultOf(journal)).toMatchObject({ error: { code: 'INVALID_OUTPUT' } })
  })

  test('a handler that returns a thenable that throws in `then`', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Greet, brokenThenable)

    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toEqual(new Error('no'))
    expect(resultOf(journal)).toMatchObject({ error: { code: 'HANDLER_FAILED' } })
    expect(await bus.stop()).toMatchObject({ timedOut: false })
  })

  test('a subscriber that returns a thenable that throws in `then`', async () => {
    const bus = new MessageBus()
    bus.on(Greeted, brokenThenable)

    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ failed: 1 })
    expect(await bus.stop()).toMatchObject({ timedOut: false })
  })

  test('a handler that registers another for its own command', async () => {
    const bus = new MessageBus()
    bus.handle(Greet, () => String(bus.handle(Greet, () => 'other')))

    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toMatchObject({ code: 'DUPLICATE_HANDLER' })
  })

  test('a subscriber that subscribes another in its delivery', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    const off = bus.on(Greeted, () => {
      off()
      bus.on(Greeted, ({ name }) => void heard.push(name))
    })
    await bus.publish(Greeted, { name: 'Ada' }).settled
    expect(heard).toEqual([])

    await bus.publish(Greeted, { name: 'Bob' }).settled
    expect(heard).toEqual(['Bob'])
  })

  test('a subscriber that unsubscribes, or disposes its session, in its delivery', async () => {
    const bus = new MessageBus()
    const session = bus.session('s1')
    const heard: string[] = []
    session.on(Greeted, () => {
      heard.push('first')
      session.dispose()
    })
    session.on(Greeted, () => void heard.push('second'))

    expect(await session.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({
      delivered: 1,
      skipped: 1,
    })
    expect(heard).toEqual(['first'])
    expect(await bus.session('s1').publish(Greeted, { name: 'Bob' }).settled).toMatchObject({ delivered: 0 })
  })

  test('a subscriber that publishes the event that it hears, without end', async () => {
    const { bus, journal } = recordedBus({ maxDepth: 10 })
    bus.on(Greeted, ({ name }, scope) => void scope.publish(Greeted, { name }))
    bus.publish(Greeted, { name: 'Ada' })
    await idle()

    expect(recordsOf(journal, 'event', Greeted.type)).toHaveLength(10)
    const [rejected] = recordsOf(journal, 'note', 'bus.rejected')
    expect(rejected).toMatchObject({ data: { type: Greeted.type, error: { code: 'TOO_DEEP' } } })
  })

  test('commands that execute each other in a circle', async () => {
    const bus = new MessageBus()
    bus.handle(Greet, ({ name }, scope) => scope.execute(Carry, name).then(String))
    bus.handle(Carry, (input, scope) => scope.execute(Greet, { name: String(input) }))

    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toMatchObject({
      code: 'TOO_DEEP',
      data: { cycle: ['people.greet', 'things.carry', 'people.greet'] },
    })
  })

  test('a subscriber whose `key` throws', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    bus.on(Greeted, ({ name }) => void heard.push(name), { key: no })
    bus.on(Greeted, ({ name }) => void heard.push(name))

    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 1, failed: 1 })
    expect(heard).toEqual(['Ada'])
  })

  test('a retry whose `when` throws', async () => {
    const bus = new MessageBus()
    bus.on(Greeted, no, { retry: { when: no } })

    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ failed: 1 })
    expect(await bus.publish(Greeted, { name: 'Bob' }).settled).toMatchObject({ failed: 1 })
  })

  test('an event whose `key` throws', async () => {
    const Keyed = defineEvent('things.keyed', { data: z.object({}), key: no })
    const { bus, journal } = recordedBus()
    bus.on(Keyed, no)

    expect(thrownBy(() => bus.publish(Keyed, {}))).toEqual(new Error('no'))
    expect(recordsOf(journal, 'event')).toEqual([])
    expect(recordsOf(journal, 'note')).toMatchObject([
      { type: 'bus.rejected', data: { type: 'things.keyed' } },
    ])
    expect(await bus.stop()).toEqual({ completed: 0, abandoned: [], timedOut: false })
  })
})

describe('messages', () => {
  test('a Map, Date, bigint, symbol, function, NaN, Infinity or class instance', async () => {
    const values = [new Map(), new Date(), 1n, Symbol('s'), no, Number.NaN, Infinity, new URL('http://a')]
    for (const value of values) {
      const { bus, journal } = recordedBus()
      bus.handle(Carry, no)
      const refusal = { code: 'NOT_JSON', data: { path: 'list[1].value' } }
      const data = { list: [0, { value }] }

      expect(await rejection(bus.execute(Carry, data))).toMatchObject(refusal)
      expect(thrownBy(() => bus.publish(Carried, data))).toMatchObject(refusal)
      expect(journal.records.map(({ kind, type }) => `${kind} ${type}`).slice(1)).toEqual([
        'command things.carry',
        'result things.carry',
        'note bus.rejected',
      ])
    }
  })

  test('a handler that returns what is not JSON', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Carry, () => new Map())

    expect(await rejection(bus.execute(Carry, 1))).toMatchObject({ code: 'NOT_JSON' })
    expect(resultOf(journal)).toMatchObject({ status: 'error', error: { code: 'NOT_JSON' } })
  })

  test('undefined as data, or in an array', () => {
    const { bus } = recordedBus()

    expect(thrownBy(() => bus.publish(Carried, undefined))).toMatchObject({ code: 'NOT_JSON' })
    expect(thrownBy(() => bus.publish(Carried, [undefined]))).toMatchObject({ code: 'NOT_JSON' })
  })

  test('undefined as a property', async () => {
    const { bus, journal } = recordedBus()
    bus.publish(Carried, { a: undefined, b: 1 })

    expect(recordsOf(journal, 'event')).toMatchObject([{ data: { b: 1 } }])
  })

  test('a cycle, or more than 1000 levels', () => {
    const { bus } = recordedBus()
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    let deep: unknown = 'bottom'
    for (let level = 0; level < 1001; level++) deep = [deep]

    expect(thrownBy(() => bus.publish(Carried, cycle))).toMatchObject({ code: 'NOT_JSON' })
    expect(thrownBy(() => bus.publish(Carried, deep))).toMatchObject({ code: 'NOT_JSON' })
  })

  test('a getter or a Proxy that throws', async () => {
    const Log = defineCommand('people.login', {
      input: z.object({ password: z.string().meta({ secret: true }) }),
      output: z.string(),
    })
    const getter = {
      get password(): string {
        return no()
      },
    }
    const proxy = new Proxy({ password: 'pass' }, { get: no, getOwnPropertyDescriptor: no })
    for (const input of [getter, proxy]) {
      const { bus, journal } = recordedBus()
      bus.handle(Log, no)

      expect(await rejection(bus.execute(Log, input))).toEqual(new Error('no'))
      expect(thrownBy(() => bus.publish(Carried, input))).toEqual(new Error('no'))
      expect(journal.records.map(({ kind }) => kind)).toEqual(['header', 'command', 'result', 'note'])
      expect(await bus.stop()).toMatchObject({ timedOut: false })
    }
  })

  test('a getter that answers differently each time', async () => {
    const { bus, journal } = recordedBus()
    let reads = 0
    const input = {
      get value(): unknown {
        return ++reads > 1 ? 1n : 1
      },
    }
    bus.handle(Carry, () => 'carried')

    expect(await bus.execute(Carry, input)).toBe('carried')
    expect(recordsOf(journal, 'command')).toMatchObject([{ error: { code: 'NOT_JSON' } }])
    expect(resultOf(journal)).toMatchObject({ status: 'ok' })
  })

  test('what JSON does not see: symbol keys, hidden properties, the sign of -0', () => {
    const { bus, journal } = recordedBus()
    const data = Object.defineProperty({ zero: -0, [Symbol('s')]: 1 }, 'hidden', { value: 1 })
    bus.publish(Carried, data)

    expect(recordsOf(journal, 'event').map((record) => record.data)).toEqual([{ zero: 0 }])
  })

  test('half a surrogate pair, and a key `__proto__`', () => {
    const { bus, journal } = recordedBus()
    const data: unknown = JSON.parse('{"text":"\\ud800","__proto__":{"polluted":true}}')
    bus.publish(Carried, data)

    expect(recordsOf(journal, 'event').map((record) => record.data)).toEqual([data])
    expect({}).not.toHaveProperty('polluted')
  })

  test('frozen data', async () => {
    const bus = new MessageBus()
    const heard: unknown[] = []
    bus.on(Carried, (data) => void heard.push(data))
    await bus.publish(Carried, Object.freeze({ list: Object.freeze([1]) })).settled

    expect(heard).toEqual([{ list: [1] }])
  })

  test('10 MB in one message', async () => {
    const { bus, journal } = recordedBus()
    const text = 'ü'.repeat(10_000_000)
    bus.handle(Carry, (input) => input)

    expect(await bus.execute(Carry, text)).toBe(text)
    expect(resultOf(journal)?.['output']).toBe(text)
  })

  test('data that the publisher changes after publishing', async () => {
    const { bus, journal } = recordedBus()
    const heard: unknown[] = []
    bus.on(Greeted, ({ name }) => void heard.push(name))
    bus.on(Carried, (data) => void heard.push(data))
    const [described, unknown] = [{ name: 'Ada' }, { name: 'Ada' }]
    bus.publish(Greeted, described)
    bus.publish(Carried, unknown)
    described.name = 'Bob'
    unknown.name = 'Bob'
    await idle()

    // A schema that describes the data copies it; one that does not hands on the object itself.
    expect(heard).toEqual(['Ada', { name: 'Bob' }])
    expect(recordsOf(journal, 'event').map(({ data }) => data)).toEqual([{ name: 'Ada' }, { name: 'Ada' }])
  })

  test('data that a subscriber changes', async () => {
    const { bus, journal } = recordedBus()
    const heard: string[] = []
    bus.on(Greeted, (data) => void (data.name = 'changed'))
    bus.on(Greeted, ({ name }) => void heard.push(name))
    bus.publish(Greeted, { name: 'Ada' })
    await idle()

    expect(heard).toEqual(['changed'])
    expect(recordsOf(journal, 'event').map(({ data }) => data)).toEqual([{ name: 'Ada' }])
  })

  test('a subscriber that puts into its data what is not JSON, and fails', async () => {
    const { bus, journal } = recordedBus()
    const spoil = (data: object): void => {
      Object.assign(data, { big: 1n, self: data })
      no()
    }
    bus.on(Greeted, spoil)
    bus.on(Greeted, async (data) => spoil(data))
    bus.on(Greeted, () => undefined)

    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 1, failed: 2 })
    expect(recordsOf(journal, 'note', 'bus.deadLettered')).toMatchObject([
      { error: { code: 'NOT_JSON' } },
      { error: { code: 'NOT_JSON' } },
    ])
  })

  test('a schema that checks asynchronously, or whose transform throws', async () => {
    const Slow = defineEvent('things.slow', { data: z.string().refine(() => Promise.resolve(true)) })
    const Broken = defineEvent('things.broken', { data: z.string().transform(no) })
    const { bus, journal } = recordedBus()

    expect(thrownBy(() => bus.publish(Slow, 'x'))).toBeInstanceOf(z.core.$ZodAsyncError)
    expect(thrownBy(() => bus.publish(Broken, 'x'))).toEqual(new Error('no'))
    expect(recordsOf(journal, 'note', 'bus.rejected')).toHaveLength(2)
  })
})

describe('names', () => {
  test('two definitions with one type', async () => {
    const Twin = defineEvent(Greeted.type, { data: z.object({ name: z.string() }) })
    const bus = new MessageBus()
    bus.on(Greeted, no)

    expect(thrownBy(() => bus.publish(Twin, { name: 'Ada' }))).toMatchObject({ code: 'DUPLICATE_TYPE' })
    expect(thrownBy(() => bus.on(Twin, no))).toMatchObject({ code: 'DUPLICATE_TYPE' })
  })

  test('an event that is executed, or a command that is published', async () => {
    const bus = new MessageBus()

    // @ts-expect-error -- that is the test
    expect(await rejection(bus.execute(Greeted, {}))).toMatchObject({ code: 'NOT_A_COMMAND' })
    // @ts-expect-error -- that is the test
    expect(thrownBy(() => bus.publish(Greet, {}))).toMatchObject({ code: 'NOT_AN_EVENT' })
  })

  test('a type of newlines, quotes, control characters, 1 MB, `__proto__` or `constructor`', async () => {
    for (const type of HOSTILE) {
      const { bus, journal } = recordedBus()
      const Odd = defineEvent(type, { data: z.object({}) })
      const Ask = defineCommand(`${type}?`, { input: z.object({}), output: z.string() })
      bus.handle(Ask, () => 'answer')
      bus.on(Odd, (_, { message }) => expect(message.type).toBe(type))

      expect(await bus.execute(Ask, {})).toBe('answer')
      expect(await bus.publish(Odd, {}).settled).toMatchObject({ delivered: 1 })
      expect(recordsOf(journal, 'event').map((record) => record.type)).toEqual([type])
    }
  })

  test('a type that looks like a pattern', async () => {
    const Star = defineEvent('things.*', { data: z.unknown() })
    const bus = new MessageBus()

    expect(thrownBy(() => bus.on(Star, no))).toMatchObject({ code: 'INVALID_OPTION' })
    expect(thrownBy(() => bus.publish(Star, 1))).toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('a session id of newlines, quotes, control characters, 1 MB, `__proto__` or `constructor`', async () => {
    const { bus, journal } = recordedBus()
    const heard: (string | undefined)[] = []
    for (const id of HOSTILE) {
      const session = bus.session(id)
      session.handle(Greet, () => 'hello')
      session.on(Greeted, (_, scope) => void heard.push(scope.session))
      expect(await session.execute(Greet, { name: 'Ada' })).toBe('hello')
      await session.publish(Greeted, { name: 'Ada' }).settled
    }

    expect(heard).toEqual(HOSTILE)
    expect(recordsOf(journal, 'event').map(({ session }) => session)).toEqual(HOSTILE)
    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toMatchObject({ code: 'NO_HANDLER' })
  })

  test('an empty session id', () => {
    expect(thrownBy(() => new MessageBus().session(''))).toMatchObject({ code: 'INVALID_SESSION_ID' })
  })
})

describe('what a bus is given', () => {
  test('a clock that jumps backwards', async () => {
    let time = 5000
    const { bus, journal } = recordedBus({ now: () => (time -= 100) })
    bus.handle(Greet, () => 'hello')
    await bus.execute(Greet, { name: 'Ada' })

    const times = journal.records.map((record) => record.time)
    expect(times).toEqual(times.toSorted((a, b) => b - a))
    expect(journal.records.map(({ seq }) => seq)).toEqual([0, 1, 2])
    expect(resultOf(journal)?.ms).toBe(0)
  })

  test('a clock that tells NaN', async () => {
    const { bus, journal } = recordedBus({ now: () => Number.NaN })
    bus.handle(Greet, () => 'hello')
    await bus.execute(Greet, { name: 'Ada' })

    expect(journal.records.map((record) => record.time)).toEqual([0, 0, 0])
    expect(resultOf(journal)?.ms).toBe(0)
  })

  test('no function where one is needed, and a path for a journal', () => {
    const bus = new MessageBus()
    const refused = { code: 'INVALID_OPTION' }

    // @ts-expect-error: JavaScript passes it
    expect(thrownBy(() => bus.handle(Greet, 5))).toMatchObject(refused)
    // @ts-expect-error: JavaScript passes it
    expect(thrownBy(() => bus.on(Greeted, 5))).toMatchObject(refused)
    // @ts-expect-error: JavaScript passes it
    expect(thrownBy(() => bus.use(5))).toMatchObject(refused)
    // @ts-expect-error: JavaScript passes it
    expect(thrownBy(() => new MessageBus({ journal: 'run.jsonl' }))).toMatchObject(refused)
  })

  test('a length of time that is NaN or no number', async () => {
    const bus = new MessageBus()
    bus.handle(Greet, () => 'hello')
    bus.handle(Carry, (_, scope) => scope.sleep(NaN))
    bus.use((_, next) => next({ timeout: NaN }), { for: [Pay] })
    bus.handle(Pay, () => '')
    const refused = { code: 'INVALID_OPTION' }

    expect(await rejection(bus.execute(Greet, { name: 'Ada' }, { timeout: NaN }))).toMatchObject(refused)
    // @ts-expect-error: a text is no length of time
    expect(await rejection(bus.execute(Greet, { name: 'Ada' }, { timeout: '50' }))).toMatchObject(refused)
    expect(await rejection(bus.waitFor(Greeted, { timeout: NaN }))).toMatchObject(refused)
    expect(await rejection(bus.execute(Carry, 1))).toMatchObject(refused)
    expect(await rejection(bus.execute(Pay, { amount: 1 }))).toMatchObject(refused)
    expect(thrownBy(() => bus.after(NaN, no))).toMatchObject(refused)
    expect(thrownBy(() => void bus.stop({ deadline: NaN }))).toMatchObject(refused)
    expect(bus.state).toBe('running')
    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 0, skipped: 0 })
  })

  test('`newId` that returns the same twice', () => {
    const bus = new MessageBus({ newId: () => 'same' })
    const ids = [1, 2, 3].map(() => bus.publish(Greeted, { name: 'Ada' }).id)

    expect(ids).toEqual(['same-1', 'same-2', 'same-3'])
  })

  test('`newId` that returns what is no id', () => {
    for (const id of ['', '"', 'a b', 'a\n'])
      expect(thrownBy(() => new MessageBus({ newId: () => id }))).toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('a journal whose `append` throws', async () => {
    const journal = brokenJournal({ append: no })
    const bus = new MessageBus({ journal })
    bus.handle(Greet, () => 'hello')
    bus.handle(Pay, no)
    bus.on(Greeted, () => undefined)

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('hello')
    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 1 })
    expect(await rejection(bus.execute(Pay, { amount: 1 }))).toMatchObject({ code: 'JOURNAL_FAILED' })
    expect(await rejection(bus.stop())).toMatchObject({ code: 'JOURNAL_FAILED' })
    expect(bus.state).toBe('stopped')
  })

  test('a journal whose `flush` rejects', async () => {
    const bus = new MessageBus({ journal: brokenJournal({ flush: () => Promise.reject(new Error('full')) }) })
    const paid: number[] = []
    bus.handle(Greet, () => 'hello')
    bus.handle(Pay, ({ amount }) => String(paid.push(amount)))

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('hello')
    expect(await rejection(bus.execute(Pay, { amount: 1 }))).toMatchObject({
      code: 'JOURNAL_FAILED',
      cause: new Error('full'),
    })
    expect(paid).toEqual([])
  })

  test('a journal whose `flush` never resolves', async () => {
    const flushed = deferred()
    const { now, after, advance } = virtualClock({ start: 1000 })
    const journal = brokenJournal({ flush: () => flushed.promise })
    const bus = new MessageBus({ journal, now, after })
    const paid: number[] = []
    bus.handle(Pay, ({ amount }) => String(paid.push(amount)))
    const late = rejection(bus.execute(Pay, { amount: 1 }))
    const limited = rejection(bus.execute(Pay, { amount: 2 }, { timeout: 1 }))
    await advance(1)
    expect(await limited).toMatchObject({ code: 'TIMED_OUT' })

    const stopping = bus.stop()
    await advance(10_000)
    expect(await stopping).toMatchObject({ abandoned: [{ type: 'money.pay' }] })
    expect(await late).toMatchObject({ code: 'ABANDONED' })
    flushed.resolve()
    await idle()
    expect(paid).toEqual([])
  })

  test('a journal that another bus has, or had', async () => {
    const journal = brokenJournal({})
    const bus = new MessageBus({ journal })
    expect(thrownBy(() => new MessageBus({ journal }))).toMatchObject({ code: 'JOURNAL_IN_USE' })
    await bus.stop()

    expect(thrownBy(() => new MessageBus({ journal }))).toMatchObject({ code: 'JOURNAL_IN_USE' })
  })

  test('a journal whose `close` rejects', async () => {
    const bus = new MessageBus({ journal: brokenJournal({ close: () => Promise.reject(new Error('full')) }) })

    expect(await rejection(bus.stop())).toMatchObject({ code: 'JOURNAL_FAILED' })
    expect(bus.state).toBe('stopped')
  })
})

describe('too late', () => {
  test('sending after `stop`', async () => {
    const { bus, journal } = recordedBus()
    const session = bus.session('s1')
    bus.handle(Greet, () => 'hello')
    await bus.stop()
    const stopped = { code: 'BUS_STOPPED' }

    for (const sender of [bus, session]) {
      expect(await rejection(sender.execute(Greet, { name: 'Ada' }))).toMatchObject(stopped)
      expect(thrownBy(() => sender.publish(Greeted, { name: 'Ada' }))).toMatchObject(stopped)
      expect(await rejection(sender.schedule(Greeted, { name: 'Ada' }, { after: 1 }))).toMatchObject(stopped)
      expect(await rejection(sender.waitFor(Greeted))).toMatchObject(stopped)
      expect(await sender.events(Greeted).next()).toMatchObject({ done: true })
    }
    expect(journal.lines).toHaveLength(1)
  })

  test('registering after `stop`', async () => {
    const bus = new MessageBus()
    await bus.stop()

    const undos = [bus.handle(Greet, () => 'hello'), bus.on(Greeted, no), bus.use(no), bus.tap(no)]

    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toMatchObject({ code: 'BUS_STOPPED' })
    for (const undo of undos) undo()
    expect(thrownBy(() => bus.attach(() => undefined))).toMatchObject({ code: 'BUS_STOPPED' })
  })

  test('using a disposed session', async () => {
    const session = new MessageBus().session('s1')
    session.dispose()
    session.dispose()
    const gone = { code: 'SCOPE_DISPOSED' }

    expect(await rejection(session.execute(Greet, { name: 'Ada' }))).toMatchObject(gone)
    expect(thrownBy(() => session.publish(Greeted, { name: 'Ada' }))).toMatchObject(gone)
    expect(thrownBy(() => session.on(Greeted, no))).toMatchObject(gone)
    expect(thrownBy(() => session.handle(Greet, () => ''))).toMatchObject(gone)
  })

  test('unsubscribing twice', async () => {
    const bus = new MessageBus()
    const off = bus.handle(Greet, () => 'first')
    off()
    bus.handle(Greet, () => 'second')
    off()

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('second')
  })
})

test('docs/bad-input.md has these rows and no other', () => {
  const text = readFileSync(new URL('./bad-input.test.ts', import.meta.url), 'utf8')
  const page = readFileSync(new URL('../../docs/bad-input.md', import.meta.url), 'utf8')
  const tests = [...text.matchAll(/^ {2}test\('(.+)', (?:async )?\(\) => \{$/gm)].map(([, name]) => name)
  const rows = [...page.matchAll(/^\| (?!kind |-)(.+?) +\| .+ \|$/gm)].map(([, kind]) => kind)

  expect(rows).toEqual(tests)
  expect(tests).toHaveLength((text.match(/^ *test\(/gm)?.length ?? 0) - 1)
})
