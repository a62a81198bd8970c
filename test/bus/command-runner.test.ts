import { defineCommand, memoryJournal, MessageBus, type Journal, type MemoryJournal } from 'busline'
import { story } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Carry, Greet, Greeted, Pay } from './fixtures/greeting.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

describe('a handler', () => {
  test('may answer at once or later', async () => {
    const bus = new MessageBus()
    const Later = defineCommand('people.later', { input: z.object({}), output: z.string() })
    bus.handle(Greet, () => 'at once')
    bus.handle(Later, async () => {
      await idle(1)
      return 'later'
    })

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('at once')
    expect(await bus.execute(Later, {})).toBe('later')
  })

  test('runs inside of execute, before execute returns', () => {
    const bus = new MessageBus()
    const seen: string[] = []
    bus.handle(Greet, ({ name }) => {
      seen.push(name)
      return name
    })
    void bus.execute(Greet, { name: 'Ada' })

    expect(seen).toEqual(['Ada'])
  })

  test.each<[string, unknown]>([
    ['an error', new TypeError('no')],
    ['a text', 'no'],
    ['nothing', undefined],
    ['an object', { status: 500 }],
  ])('that throws %s rejects its command with just that', async (_, thrown) => {
    const bus = new MessageBus()
    bus.handle(Greet, () => {
      throw thrown
    })
    bus.handle(Pay, () => {
      throw thrown
    })
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    bus.handle(Carry, () => Promise.reject(thrown))

    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toBe(thrown)
    expect(await rejection(bus.execute(Pay, { amount: 1 }))).toBe(thrown)
    expect(await rejection(bus.execute(Carry, 1))).toBe(thrown)
  })

  test('passes the error of a command that it executed on as the same object, at any depth', async () => {
    const bus = new MessageBus()
    const broken = new Error('at the bottom')
    const Dive = defineCommand('sea.dive', { input: z.object({ depth: z.number() }), output: z.string() })
    bus.handle(Dive, ({ depth }, scope) => {
      if (depth === 0) throw broken
      return scope.execute(Dive, { depth: depth - 1 })
    })

    expect(await rejection(bus.execute(Dive, { depth: 20 }))).toBe(broken)
  })

  test('may return any thenable', async () => {
    const bus = new MessageBus()
    const thenable = Promise.resolve('later')
    bus.handle(Greet, () => thenable)

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('later')
  })
})

describe('record before effect', () => {
  test("a command's line is in the journal when its handler starts", async () => {
    const { bus, journal } = recordedBus()
    let before: string[] = []
    bus.handle(Greet, () => {
      before = story(journal)
      return ''
    })
    await bus.execute(Greet, { name: 'Ada' })

    expect(before).toEqual(['command people.greet'])
    expect(story(journal)).toEqual(['command people.greet', 'result people.greet'])
  })

  test("an event's line is in the journal when its delivery begins", async () => {
    const { bus, journal } = recordedBus()
    let before: string[] = []
    bus.on(Greeted, () => {
      before = story(journal)
    })
    await bus.publish(Greeted, { name: 'Ada' }).settled

    expect(before).toEqual(['event people.greeted'])
  })

  test('the handler of an effect waits until everything before it, its own line included, is flushed', async () => {
    const flushed = deferred()
    const { journal, memory, flushes } = journalThatFlushes(() => flushed.promise)
    const bus = new MessageBus({ journal })
    let paid = false
    bus.handle(Pay, () => {
      paid = true
      return 'ok'
    })
    const paying = bus.execute(Pay, { amount: 1 })

    await idle()
    expect(paid).toBe(false)
    expect(flushes).toEqual([['header busline.journal', 'command money.pay']])
    flushed.resolve()
    expect(await paying).toBe('ok')
    expect(story(memory)).toEqual(['command money.pay', 'result money.pay'])
  })

  test('a command that is no effect waits for no flush', async () => {
    const { journal, flushes } = journalThatFlushes(() => new Promise(() => undefined))
    const bus = new MessageBus({ journal })
    bus.handle(Greet, () => 'hello')

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('hello')
    expect(flushes).toEqual([])
  })

  test('a failing flush fails the effect before its handler, and is its result', async () => {
    const { journal, memory } = journalThatFlushes(() => Promise.reject(new Error('disk on fire')))
    const bus = new MessageBus({ journal })
    let paid = false
    bus.handle(Pay, () => {
      paid = true
      return 'ok'
    })

    await expect(bus.execute(Pay, { amount: 1 })).rejects.toMatchObject({
      code: 'JOURNAL_FAILED',
      message: expect.stringContaining('disk on fire'),
      cause: { message: 'disk on fire' },
    })
    expect(paid).toBe(false)
    expect(recordsOf(memory, 'result')).toMatchObject([
      { status: 'error', error: { code: 'JOURNAL_FAILED' } },
    ])
  })

  test('an effect that was cancelled while it waited for the flush never starts', async () => {
    const flushed = deferred()
    const { journal, memory } = journalThatFlushes(() => flushed.promise)
    const bus = new MessageBus({ journal })
    const controller = new AbortController()
    let paid = false
    bus.handle(Pay, () => {
      paid = true
      return 'ok'
    })
    const paying = bus.execute(Pay, { amount: 1 }, { signal: controller.signal })
    controller.abort()
    flushed.resolve()

    await expect(paying).rejects.toMatchObject({ code: 'CANCELLED' })
    await idle()
    expect(paid).toBe(false)
    expect(recordsOf(memory, 'result')).toMatchObject([{ status: 'cancelled' }])
  })

  const Turn = defineCommand('a.turn', { input: z.object({}), output: z.string(), startsTurn: true })

  test.each([
    ['at once', (): string => 'done'],
    ['later', (): Promise<string> => Promise.resolve('done')],
  ])('the result of a turn that answers %s is flushed before the caller has it', async (_, handler) => {
    const flushed = deferred()
    const { journal, flushes } = journalThatFlushes(() => flushed.promise)
    const bus = new MessageBus({ journal })
    bus.handle(Turn, handler)
    let answered = false
    const turn = bus.execute(Turn, {}).then(() => (answered = true))

    await idle()
    expect(answered).toBe(false)
    expect(flushes).toEqual([['header busline.journal', 'command a.turn', 'result a.turn']])
    flushed.resolve()
    await turn
  })
})

describe('a terminal record', () => {
  test('names what it ended, how, by whom and for how long', async () => {
    const journal = memoryJournal()
    let time = 5000
    const bus = new MessageBus({ journal, now: () => time, newId: () => 'run' })
    bus.handle(Greet, function sayHello() {
      time += 12.3456
      return 'hello'
    })
    await bus.execute(Greet, { name: 'Ada' })

    expect(recordsOf(journal, 'result')).toEqual([
      {
        seq: 2,
        time: 5012.346,
        kind: 'result',
        type: 'people.greet',
        of: 'run-1',
        root: 'run-1',
        ms: 12.346,
        status: 'ok',
        by: 'sayHello',
        output: 'hello',
      },
    ])
  })

  test('measures from the beginning of the command, also for a tap that came while it ran', async () => {
    let time = 5000
    const bus = new MessageBus({ now: () => time })
    const going = deferred<string>()
    const tapped: unknown[] = []
    bus.handle(Greet, () => going.promise)
    const greeting = bus.execute(Greet, { name: 'Ada' })
    bus.tap((record) => tapped.push(record))
    time += 7
    going.resolve('hello')
    await greeting

    expect(tapped).toMatchObject([{ kind: 'result', ms: 7 }])
  })

  test('is written once per command, whatever becomes of it', async () => {
    const { bus, journal } = recordedBus()
    const late = deferred<string>()
    bus.handle(Greet, ({ name }) => {
      if (name === 'throw') throw new Error('no')
      if (name === 'late') return late.promise
      return name === 'invalid' ? Object(5) : name
    })
    bus.handle(Carry, () => ({ at: new Date(0) }))
    const outcomes = await Promise.allSettled([
      bus.execute(Greet, { name: 'ok' }),
      bus.execute(Greet, { name: '' }),
      bus.execute(Greet, { name: 'throw' }),
      bus.execute(Greet, { name: 'invalid' }),
      bus.execute(Greet, { name: 'late' }, { timeout: 1 }),
      bus.execute(Carry, {}),
      bus.execute(Pay, { amount: 1 }),
    ])
    late.resolve('too late')
    await idle()

    expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([true, ...Array(6).fill(false)])
    const commands = recordsOf(journal, 'command').map(({ id }) => id)
    expect(commands).toHaveLength(7)
    expect(recordsOf(journal, 'result').map(({ of }) => of)).toHaveLength(7)
    expect(new Set(recordsOf(journal, 'result').map(({ of }) => of))).toEqual(new Set(commands))
  })

  test('tells an error with its causes', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Greet, () => {
      throw new Error('no greeting', { cause: Object.assign(new Error('no voice'), { code: 'EVOICE' }) })
    })
    await rejection(bus.execute(Greet, { name: 'Ada' }))

    expect(recordsOf(journal, 'result')).toMatchObject([
      {
        status: 'error',
        error: {
          code: 'HANDLER_FAILED',
          name: 'Error',
          message: 'no greeting',
          cause: { code: 'EVOICE', name: 'Error', message: 'no voice' },
        },
      },
    ])
  })
})

/** A journal in memory whose flush does as told; `flushes` holds what had been recorded at each. */
function journalThatFlushes(flush: () => Promise<void>): {
  journal: Journal
  memory: MemoryJournal
  flushes: string[][]
} {
  const memory = memoryJournal()
  const flushes: string[][] = []
  const journal: Journal = {
    append: (line) => memory.append(line),
    flush: () => {
      flushes.push(memory.records.map(({ kind, type }) => `${kind} ${type}`))
      return flush()
    },
    close: () => memory.close(),
  }
  return { journal, memory, flushes }
}
