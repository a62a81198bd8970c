import {
  defineCommand,
  defineEvent,
  DeliveryFailed,
  MessageBus,
  type DeadLetter,
  type LetterFilter,
  type MessageBusOptions,
  type SubscribeOptions,
} from 'busline'
import { story, virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Greet, Greeted, Moved } from './fixtures/greeting.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

const Login = defineEvent('people.loggedIn', {
  data: z.object({ name: z.string(), token: z.string().meta({ secret: true }) }),
})

/** The id of the letter at a place; fails if there is none. */
function idAt(bus: MessageBus, place = 0): string {
  const letter = bus.deadLetters.list().at(place)
  if (!letter) throw new Error(`There is no dead letter at ${place}.`)
  return letter.id
}

const told = (letters: readonly DeadLetter[]): unknown[] =>
  letters.map(({ data, attempts, error }) => [data, attempts, error.code])

/** A subscriber to moves that fails while it is broken, and remembers what it got. */
function mover(
  bus: Pick<MessageBus, 'on'>,
  options: SubscribeOptions = {},
): { broken: boolean; readonly tried: string[]; readonly heard: string[]; off: () => void } {
  const self = {
    broken: true,
    tried: new Array<string>(),
    heard: new Array<string>(),
    off: bus.on(
      Moved,
      async ({ key, n }) => {
        self.tried.push(`${key}${n}`)
        await idle(1)
        if (self.broken) throw new Error('broken')
        self.heard.push(`${key}${n}`)
      },
      { name: 'mover', ...options },
    ),
  }
  return self
}

async function move(bus: Pick<MessageBus, 'publish'>, ...moves: [key: string, n: number][]): Promise<void> {
  await Promise.all(moves.map(([key, n]) => bus.publish(Moved, { key, n }).settled))
}

describe('a dead letter', () => {
  test('tells what was to be delivered to whom, and why it was not', async () => {
    const { bus, journal } = recordedBus()
    mover(bus)
    await move(bus.session('s1'), ['a', 1])

    const letter: DeadLetter = {
      id: 'run-letter-1',
      kind: 'event',
      type: 'things.moved',
      message: 'run-1',
      session: 's1',
      key: 'a',
      data: { key: 'a', n: 1 },
      subscriber: 'mover',
      attempts: 1,
      error: { code: 'HANDLER_FAILED', name: 'Error', message: 'broken' },
      time: 1000,
    }
    expect(bus.deadLetters.list()).toEqual([letter])
    expect(bus.deadLetters.size).toBe(1)
    const { id, ...rest } = letter
    expect(recordsOf(journal, 'note', 'bus.deadLettered')).toMatchObject([
      { cause: 'run-1', session: 's1', data: { letter: id, ...rest } },
    ])
  })

  test('is one for each subscriber that failed', async () => {
    const bus = new MessageBus()
    mover(bus, { name: 'first' })
    mover(bus, { name: 'second' })
    await move(bus, ['a', 1])

    expect(bus.deadLetters.list().map(({ subscriber }) => subscriber)).toEqual(['first', 'second'])
  })

  test('hides what its schema calls secret from the journal, not from the program', async () => {
    const { bus, journal } = recordedBus()
    bus.on(Login, () => Promise.reject(new Error('no')))
    await bus.publish(Login, { name: 'Ada', token: 'correct horse' }).settled

    expect(bus.deadLetters.list()).toMatchObject([{ data: { name: 'Ada', token: 'correct horse' } }])
    expect(recordsOf(journal, 'note', 'bus.deadLettered')).toMatchObject([
      { data: { data: { name: 'Ada', token: '[secret]' } } },
    ])
    expect(JSON.stringify(journal.records)).not.toContain('correct horse')
  })

  test('is not made of a failing bus.deliveryFailed subscriber, nor of what a full mailbox dropped', async () => {
    const bus = new MessageBus()
    bus.on(DeliveryFailed, () => Promise.reject(new Error('neither')), { park: true })
    mover(bus, { mailbox: { capacity: 1 } })
    await move(bus, ['a', 1], ['a', 2])
    await idle()

    expect(bus.deadLetters.list().map(({ data }) => data)).toEqual([{ key: 'a', n: 1 }])
  })

  test.each<[what: string, filter: LetterFilter, count: number]>([
    ['kind', { kind: 'event' }, 3],
    ['kind', { kind: 'command' }, 0],
    ['type', { type: 'things.moved' }, 2],
    ['session', { session: 's1' }, 1],
    ['key', { key: 'b' }, 1],
    ['subscriber', { subscriber: 'greeter' }, 1],
    ['several', { type: 'things.moved', key: 'a' }, 1],
    ['none that fits', { type: 'people.greeted', key: 'a' }, 0],
    ['nothing', {}, 3],
  ])('is listed by %s', async (_, filter, count) => {
    const bus = new MessageBus()
    mover(bus)
    bus.on(Greeted, () => Promise.reject(new Error('no')), { name: 'greeter' })
    await move(bus, ['a', 1], ['b', 1])
    await bus.session('s1').publish(Greeted, { name: 'Ada' }).settled

    expect(bus.deadLetters.list(filter)).toHaveLength(count)
  })

  test('is a picture of its moment: later attempts do not change what list returned', async () => {
    const bus = new MessageBus()
    mover(bus)
    await move(bus, ['a', 1])
    const before = bus.deadLetters.list()
    await bus.deadLetters.redrive(idAt(bus))

    expect(before).toMatchObject([{ attempts: 1 }])
    expect(bus.deadLetters.list()).toMatchObject([{ attempts: 2 }])
  })
})

describe('redriving', () => {
  test('delivers to the one who missed it, under the same id, cause, session and context', async () => {
    const { bus, journal } = recordedBus()
    const scopes: unknown[] = []
    const heard: string[] = []
    bus.on(Greeted, ({ name }) => void heard.push(name))
    bus.on(Greeted, (_, { message, session, cause, turn, context }) => {
      scopes.push({ message, session, cause, turn, context })
      if (scopes.length === 1) throw new Error('no')
    })
    bus.handle(Greet, ({ name }, scope) => {
      scope.publish(Greeted, { name })
      return ''
    })
    await bus.session('s1').execute(Greet, { name: 'Ada' }, { turn: 't1', context: { user: 'Ada' } })
    await idle()

    expect(await bus.deadLetters.redrive(idAt(bus))).toEqual({ delivered: 1, failed: 0 })
    expect(scopes[0]).toMatchObject({ session: 's1', cause: 'run-1', turn: 't1', context: { user: 'Ada' } })
    expect(scopes[1]).toEqual(scopes[0])
    expect(heard).toEqual(['Ada'])
    expect(bus.deadLetters.size).toBe(0)
    expect(recordsOf(journal, 'event', 'people.greeted')).toHaveLength(1)
    expect(recordsOf(journal, 'note', 'bus.deadLetterRedriven')).toMatchObject([
      { data: { letter: 'run-letter-1' } },
    ])
  })

  test('that fails again keeps the letter, with more attempts and the new error, and tells it', async () => {
    const timers = virtualClock({ start: 0 })
    const { bus, journal } = recordedBus({ now: timers.now, after: timers.after, random: () => 0 })
    let errors = 0
    bus.on(Greeted, () => Promise.reject(new Error(`error ${++errors}`)), { retry: 2 })
    const receipt = bus.publish(Greeted, { name: 'Ada' })
    await timers.advance(10)
    const redriving = bus.deadLetters.redrive(idAt(bus))
    await timers.advance(10)

    expect(await redriving).toEqual({ delivered: 0, failed: 1 })
    expect(bus.deadLetters.list()).toMatchObject([
      { id: 'run-letter-1', attempts: 4, error: { message: 'error 4' }, time: 10 },
    ])
    expect(recordsOf(journal, 'event', 'bus.deliveryFailed')).toHaveLength(4)
    expect(recordsOf(journal, 'note', 'bus.deadLettered').map(({ data }) => data)).toMatchObject([
      { letter: 'run-letter-1', attempts: 2 },
      { letter: 'run-letter-1', attempts: 4 },
    ])
    expect(await receipt.settled).toEqual({ delivered: 0, failed: 1, skipped: 0, dropped: 0 })
  })

  test('of an unknown letter, or one that is gone, is LETTER_NOT_FOUND', async () => {
    const bus = new MessageBus()
    const subscriber = mover(bus)
    await move(bus, ['a', 1])
    const id = idAt(bus)
    subscriber.broken = false
    await bus.deadLetters.redrive(id)

    expect(await rejection(bus.deadLetters.redrive(id))).toMatchObject({ code: 'LETTER_NOT_FOUND' })
    expect(await rejection(bus.deadLetters.redrive('nothing'))).toMatchObject({ code: 'LETTER_NOT_FOUND' })
  })

  test.each([{ park: false }, { park: true }])(
    'is NO_SUBSCRIBER when the one who missed it has left, until one of its name comes ($park)',
    async ({ park }) => {
      const bus = new MessageBus()
      mover(bus, { name: 'somebody else' })
      const subscriber = mover(bus, { park })
      await move(bus, ['a', 1], ['a', 2])
      subscriber.off()
      const { id } = bus.deadLetters.list({ subscriber: 'mover' })[0] ?? { id: '' }

      expect(await rejection(bus.deadLetters.redrive(id))).toMatchObject({
        code: 'NO_SUBSCRIBER',
        data: { type: 'things.moved', subscriber: 'mover' },
      })
      expect(bus.deadLetters.list({ subscriber: 'mover' })).toHaveLength(2)

      const next = mover(bus)
      next.broken = false
      await bus.deadLetters.redrive(id)
      expect(next.heard).toEqual(park ? ['a1', 'a2'] : ['a1'])
    },
  )

  test('of a session subscriber finds the one of that session', async () => {
    const bus = new MessageBus()
    const sessions = ['s1', 's2'].map((id) => bus.session(id))
    const movers = sessions.map((session) => mover(session, { park: true }))
    for (const session of sessions) await move(session, ['a', 1])
    for (const one of movers) one.broken = false

    expect(await bus.deadLetters.redrive(idAt(bus, 1))).toEqual({ delivered: 1, failed: 0 })
    expect(movers.map(({ heard }) => heard)).toEqual([[], ['a1']])
    // The key of the other session stays parked, that of this one does not.
    for (const session of sessions) await move(session, ['a', 2])
    expect(movers.map(({ heard }) => heard)).toEqual([[], ['a1', 'a2']])
  })

  test('reaches the one who missed it, also among several of one name', async () => {
    const bus = new MessageBus()
    const movers = [mover(bus), mover(bus), mover(bus)]
    for (const [index, one] of movers.entries()) one.broken = index === 1
    await move(bus, ['a', 1])
    for (const one of movers) one.broken = false
    await bus.deadLetters.redrive(idAt(bus))

    expect(movers.map(({ heard }) => heard)).toEqual([['a1'], ['a1'], ['a1']])
  })

  test('twice at once delivers once, and both get the report', async () => {
    const bus = new MessageBus()
    const subscriber = mover(bus)
    await move(bus, ['a', 1])
    subscriber.broken = false
    const id = idAt(bus)
    const reports = await Promise.all([bus.deadLetters.redrive(id), bus.deadLetters.redrive(id)])

    expect(reports).toEqual([
      { delivered: 1, failed: 0 },
      { delivered: 1, failed: 0 },
    ])
    expect(subscriber.heard).toEqual(['a1'])
  })

  test('into a full mailbox fails and keeps the letter as it was', async () => {
    const bus = new MessageBus()
    const gate = deferred()
    let broken = true
    bus.on(
      Moved,
      ({ n }) => {
        if (n === 1 && broken) throw new Error('no')
        return gate.promise
      },
      { mailbox: { capacity: 1 } },
    )
    await move(bus, ['a', 1])
    broken = false
    bus.publish(Moved, { key: 'a', n: 2 })
    await idle()
    bus.publish(Moved, { key: 'a', n: 3 })

    expect(await bus.deadLetters.redrive(idAt(bus))).toEqual({ delivered: 0, failed: 1 })
    expect(bus.deadLetters.list()).toMatchObject([{ attempts: 1 }])
    gate.resolve()
  })

  test('is refused by a bus that has stopped, and the letter stays', async () => {
    const bus = new MessageBus()
    mover(bus)
    await move(bus, ['a', 1])
    await bus.stop()

    expect(await rejection(bus.deadLetters.redrive(idAt(bus)))).toMatchObject({ code: 'BUS_STOPPED' })
    expect(bus.deadLetters.size).toBe(1)
  })
})

describe('discarding', () => {
  test('is refused by a bus that has stopped, for the letter comes back with restore', async () => {
    const { bus, journal } = recordedBus()
    mover(bus)
    await move(bus, ['a', 1])
    await bus.stop()

    expect(bus.deadLetters.discard(idAt(bus))).toBe(false)
    expect(bus.deadLetters.size).toBe(1)
    expect(await new MessageBus().restore(journal.records)).toMatchObject({ deadLetters: 1 })
  })

  test('forgets a letter and notes it; false if there is none', async () => {
    const { bus, journal } = recordedBus()
    mover(bus)
    await move(bus, ['a', 1])
    const id = idAt(bus)

    expect(bus.deadLetters.discard(id)).toBe(true)
    expect(bus.deadLetters.discard(id)).toBe(false)
    expect(bus.deadLetters.size).toBe(0)
    expect(recordsOf(journal, 'note', 'bus.deadLetterDiscarded')).toMatchObject([{ data: { letter: id } }])
  })

  test.each([{ park: false }, { park: true }])(
    'while it is redriven forgets it also when that fails, and parks nothing (park: $park)',
    async ({ park }) => {
      const bus = new MessageBus()
      const subscriber = mover(bus, { park })
      await move(bus, ['a', 1])
      const id = idAt(bus)
      const redriving = bus.deadLetters.redrive(id)
      bus.deadLetters.discard(id)

      expect(await redriving).toEqual({ delivered: 0, failed: 1 })
      expect(bus.deadLetters.size).toBe(0)
      subscriber.broken = false
      await move(bus, ['a', 2])
      expect(subscriber.heard).toEqual(['a2'])
    },
  )
})

describe('the capacity of the dead letters', () => {
  test('drops the oldest beyond it, and notes it', async () => {
    const { bus, journal } = recordedBus({ deadLetters: { capacity: 2 } })
    mover(bus)
    await move(bus, ['a', 1], ['a', 2])
    expect(recordsOf(journal, 'note', 'bus.deadLetterDropped')).toEqual([])
    await move(bus, ['a', 3])

    expect(bus.deadLetters.list().map(({ message }) => message)).toEqual(['run-2', 'run-3'])
    expect(recordsOf(journal, 'note', 'bus.deadLetterDropped').map(({ data }) => data)).toEqual([
      { letter: 'run-letter-1', capacity: 2 },
    ])
  })

  test('is 1000 by default', async () => {
    const bus = new MessageBus()
    bus.on(Greeted, () => {
      throw new Error('no')
    })
    for (let n = 0; n < 1001; n++) bus.publish(Greeted, { name: `${n}` })
    await idle()

    expect(bus.deadLetters.size).toBe(1000)
    expect(bus.deadLetters.list()[0]?.data).toEqual({ name: '1' })
  })

  test.each([0, -1, 1.5, Number.NaN])('%d is refused', (capacity) => {
    expect(() => new MessageBus({ deadLetters: { capacity } })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })

  test('drops restored letters before those of this run, and counts those that it keeps', async () => {
    const first = recordedBus()
    mover(first.bus)
    await move(first.bus, ['a', 1], ['a', 2], ['a', 3])
    const { bus } = recordedBus({ newId: () => 'next', deadLetters: { capacity: 3 } })
    mover(bus)
    await move(bus, ['b', 1], ['b', 2])

    expect(await bus.restore(first.journal.records)).toEqual({ scheduled: 0, deadLetters: 1 })
    expect(bus.deadLetters.list().map(({ data }) => data)).toEqual([
      { key: 'a', n: 3 },
      { key: 'b', n: 1 },
      { key: 'b', n: 2 },
    ])
  })

  test('of restored letters holds too', async () => {
    const { bus, journal } = recordedBus()
    mover(bus)
    await move(bus, ['a', 1], ['a', 2], ['a', 3])
    const next = recordedBus({ newId: () => 'next', deadLetters: { capacity: 2 } })

    expect(await next.bus.restore(journal.records)).toEqual({ scheduled: 0, deadLetters: 2 })
    expect(next.bus.deadLetters.list().map(({ message }) => message)).toEqual(['run-2', 'run-3'])
    expect(recordsOf(next.journal, 'note', 'bus.deadLetterDropped')).toHaveLength(1)
  })
})

describe('parking', () => {
  test('holds the later events of the key back, in order, and no others', async () => {
    const { bus, journal } = recordedBus()
    const subscriber = mover(bus, { park: true })
    const other = mover(bus, { name: 'other' })
    other.broken = false
    const first = bus.publish(Moved, { key: 'a', n: 1 })
    const second = bus.publish(Moved, { key: 'a', n: 2 })
    await first.settled
    subscriber.broken = false
    await move(bus, ['b', 1], ['a', 3])

    expect(subscriber.tried).toEqual(['a1', 'b1'])
    expect(other.heard).toEqual(['a1', 'a2', 'b1', 'a3'])
    expect(await second.settled).toEqual({ delivered: 1, failed: 1, skipped: 0, dropped: 0 })
    expect(told(bus.deadLetters.list())).toEqual([
      [{ key: 'a', n: 1 }, 1, 'HANDLER_FAILED'],
      [{ key: 'a', n: 2 }, 0, 'PARKED'],
      [{ key: 'a', n: 3 }, 0, 'PARKED'],
    ])
    expect(recordsOf(journal, 'event', 'bus.deliveryFailed')).toHaveLength(1)
  })

  test.each([0, 1, 2])(
    'redriving any of its letters (%d) redrives all, in order, and unparks',
    async (place) => {
      const bus = new MessageBus()
      const subscriber = mover(bus, { park: true })
      await move(bus, ['a', 1], ['a', 2], ['a', 3])
      subscriber.broken = false

      expect(await bus.deadLetters.redrive(idAt(bus, place))).toEqual({ delivered: 3, failed: 0 })
      await move(bus, ['a', 4])
      expect(subscriber.heard).toEqual(['a1', 'a2', 'a3', 'a4'])
      expect(bus.deadLetters.size).toBe(0)
    },
  )

  test('redriving takes what arrives meanwhile along, in order', async () => {
    const bus = new MessageBus()
    const subscriber = mover(bus, { park: true })
    await move(bus, ['a', 1], ['a', 2])
    subscriber.broken = false
    const redriving = bus.deadLetters.redrive(idAt(bus))
    for (let n = 3; n < 20; n++) {
      bus.publish(Moved, { key: 'a', n })
      await (n % 3 === 0 ? idle(1) : Promise.resolve())
    }
    await redriving
    await move(bus, ['a', 20])

    expect(subscriber.heard).toEqual(Array.from({ length: 20 }, (_, index) => `a${index + 1}`))
    expect(bus.deadLetters.size).toBe(0)
  })

  test('redriving stops at the first that fails: the key stays parked, nothing is overtaken', async () => {
    const bus = new MessageBus()
    const heard: number[] = []
    const broken = new Set([1, 2])
    bus.on(
      Moved,
      ({ n }) => {
        if (broken.has(n)) throw new Error('no')
        heard.push(n)
      },
      { park: true },
    )
    await move(bus, ['a', 1], ['a', 2], ['a', 3])
    broken.delete(1)

    expect(await bus.deadLetters.redrive(idAt(bus, 2))).toEqual({ delivered: 1, failed: 1 })
    expect(told(bus.deadLetters.list())).toEqual([
      [{ key: 'a', n: 2 }, 1, 'HANDLER_FAILED'],
      [{ key: 'a', n: 3 }, 0, 'PARKED'],
    ])
    await move(bus, ['a', 4])
    expect(heard).toEqual([1])
    broken.delete(2)
    expect(await bus.deadLetters.redrive(idAt(bus))).toEqual({ delivered: 3, failed: 0 })
    expect(heard).toEqual([1, 2, 3, 4])
  })

  test('redriving two letters of a key at once delivers each once', async () => {
    const bus = new MessageBus()
    const subscriber = mover(bus, { park: true })
    await move(bus, ['a', 1], ['a', 2], ['a', 3])
    subscriber.broken = false
    const [first, , last] = bus.deadLetters.list().map(({ id }) => id)
    const redriving = [bus.deadLetters.redrive(first ?? ''), bus.deadLetters.redrive(last ?? '')]
    await idle(3)
    // By now the first letter is gone.
    redriving.push(bus.deadLetters.redrive(last ?? ''))
    await Promise.all(redriving)

    expect(subscriber.heard).toEqual(['a1', 'a2', 'a3'])
  })

  test('two keys are redriven on their own', async () => {
    const bus = new MessageBus()
    const subscriber = mover(bus, { park: true })
    await move(bus, ['a', 1], ['b', 1], ['a', 2])
    subscriber.broken = false

    expect(await bus.deadLetters.redrive(idAt(bus))).toEqual({ delivered: 2, failed: 0 })
    expect(told(bus.deadLetters.list())).toEqual([[{ key: 'b', n: 1 }, 1, 'HANDLER_FAILED']])
    await move(bus, ['a', 3], ['b', 2])
    expect(subscriber.heard).toEqual(['a1', 'a2', 'a3'])
  })

  test('ends when the last letter of the key is discarded, not before', async () => {
    const bus = new MessageBus()
    const subscriber = mover(bus, { park: true })
    await move(bus, ['a', 1], ['a', 2])
    subscriber.broken = false
    bus.deadLetters.discard(idAt(bus))
    await move(bus, ['a', 3])
    expect(subscriber.heard).toEqual([])

    bus.deadLetters.discard(idAt(bus))
    bus.deadLetters.discard(idAt(bus))
    await move(bus, ['a', 4])
    expect(subscriber.heard).toEqual(['a4'])
  })

  test('ends when the last letter of the key is dropped because there are too many', async () => {
    const bus = new MessageBus({ deadLetters: { capacity: 1 } })
    const subscriber = mover(bus, { park: true })
    await move(bus, ['a', 1])
    await move(bus, ['b', 1])
    subscriber.broken = false
    await move(bus, ['a', 2], ['b', 2])

    expect(subscriber.heard).toEqual(['a2'])
    expect(told(bus.deadLetters.list())).toEqual([[{ key: 'b', n: 2 }, 0, 'PARKED']])
  })

  test('of two subscribers of one name is each its own', async () => {
    const bus = new MessageBus()
    const movers = [mover(bus, { park: true }), mover(bus, { park: true })]
    await move(bus, ['a', 1])
    for (const one of movers) one.broken = false
    expect(await bus.deadLetters.redrive(idAt(bus, 1))).toEqual({ delivered: 1, failed: 0 })
    await move(bus, ['a', 2])

    expect(movers.map(({ heard }) => heard)).toEqual([[], ['a1', 'a2']])
    expect(await bus.deadLetters.redrive(idAt(bus))).toEqual({ delivered: 2, failed: 0 })
    expect(movers.map(({ heard }) => heard)).toEqual([
      ['a1', 'a2'],
      ['a1', 'a2'],
    ])
  })

  test('goes on for whoever comes under the name of one that has left, until what was held back has gone', async () => {
    const bus = new MessageBus()
    const left = mover(bus, { park: true })
    await move(bus, ['a', 1])
    left.off()
    const next = mover(bus, { park: true })
    next.broken = false
    await move(bus, ['a', 2], ['b', 1])
    expect(next.heard).toEqual(['b1'])

    expect(await bus.deadLetters.redrive(idAt(bus))).toEqual({ delivered: 2, failed: 0 })
    await move(bus, ['a', 3])
    expect(next.heard).toEqual(['b1', 'a1', 'a2', 'a3'])
  })

  test('goes on for another of the name that is there already when the one that failed leaves', async () => {
    const bus = new MessageBus()
    const left = mover(bus, { park: true })
    const stays = mover(bus, { park: true })
    stays.broken = false
    await move(bus, ['a', 1])
    await move(bus, ['a', 2])
    expect(stays.heard).toEqual(['a1', 'a2'])
    left.off()
    await move(bus, ['a', 3])

    expect(stays.heard).toEqual(['a1', 'a2'])
  })

  test('begins for whoever bears the name when the last delivery of one that has left fails', async () => {
    const bus = new MessageBus()
    const gate = deferred()
    const off = bus.on(Moved, () => gate.promise, { name: 'mover', park: true })
    bus.publish(Moved, { key: 'a', n: 1 })
    await idle()
    off()
    const next = mover(bus, { park: true })
    next.broken = false
    gate.reject(new Error('no'))
    await idle()
    await move(bus, ['a', 2])

    expect(next.heard).toEqual([])
    expect(bus.deadLetters.size).toBe(2)
  })

  test('is of nobody else: neither of another name, nor of one that does not hear the session or does not park', async () => {
    const bus = new MessageBus()
    const left = mover(bus.session('s1'), { park: true })
    await move(bus.session('s1'), ['a', 1])
    left.off()
    const others = [
      mover(bus, { park: true, name: 'other' }),
      mover(bus.session('s2'), { park: true }),
      mover(bus.session('s1'), { park: false }),
    ]
    for (const other of others) other.broken = false
    await move(bus.session('s1'), ['a', 2])
    await move(bus.session('s2'), ['a', 3])

    expect(others.map(({ heard }) => heard)).toEqual([['a2', 'a3'], ['a3'], ['a2']])
  })

  test('goes by the key that the subscriber gives its events', async () => {
    const bus = new MessageBus()
    const subscriber = mover(bus, { park: true, key: () => 'all' })
    await move(bus.session('s1'), ['a', 1])
    subscriber.broken = false
    await move(bus.session('s2'), ['b', 1])
    expect(bus.deadLetters.list({ key: 'all' })).toHaveLength(2)

    expect(await bus.deadLetters.redrive(idAt(bus))).toEqual({ delivered: 2, failed: 0 })
    await move(bus, ['c', 1])
    expect(subscriber.heard).toEqual(['a1', 'b1', 'c1'])
  })

  test('waits for the attempts of a retry: only what fails for good parks', async () => {
    const timers = virtualClock({ start: 0 })
    const bus = new MessageBus({ now: timers.now, after: timers.after, random: () => 1 })
    const subscriber = mover(bus, { park: true, retry: 2 })
    bus.publish(Moved, { key: 'a', n: 1 })
    bus.publish(Moved, { key: 'a', n: 2 })
    await idle()
    expect(bus.deadLetters.size).toBe(0)
    await timers.advance(100)

    expect(told(bus.deadLetters.list())).toEqual([
      [{ key: 'a', n: 1 }, 2, 'HANDLER_FAILED'],
      [{ key: 'a', n: 2 }, 0, 'PARKED'],
    ])
    expect(subscriber.tried).toEqual(['a1', 'a1'])
  })
})

describe('a scheduled command that fails', () => {
  const failingBus = async (
    options: MessageBusOptions = {},
  ): Promise<{ bus: MessageBus; journal: ReturnType<typeof recordedBus>['journal']; fix: () => void }> => {
    const timers = virtualClock({ start: 0 })
    const { bus, journal } = recordedBus({ now: timers.now, after: timers.after, ...options })
    let broken = true
    bus.handle(Greet, ({ name }) => {
      if (broken) throw new Error('no')
      return name
    })
    await bus.session('s1').schedule(Greet, { name: 'Ada' }, { after: 10 })
    await timers.advance(10)
    return { bus, journal, fix: () => void (broken = false) }
  }

  test('is a letter of kind command, under the id of its own message', async () => {
    const { bus, journal } = await failingBus()

    expect(bus.deadLetters.list()).toMatchObject([
      {
        kind: 'command',
        type: 'people.greet',
        session: 's1',
        key: 's1',
        subscriber: undefined,
        attempts: 1,
        data: { name: 'Ada' },
        error: { message: 'no' },
        time: 10,
      },
    ])
    const [command] = recordsOf(journal, 'command')
    expect(bus.deadLetters.list()[0]?.message).toBe(command?.id)
  })

  test('is executed again by redriving, in its session, and stays if it fails again', async () => {
    const { bus, journal, fix } = await failingBus()
    expect(await bus.deadLetters.redrive(idAt(bus))).toEqual({ delivered: 0, failed: 1 })
    expect(bus.deadLetters.list()).toMatchObject([{ attempts: 2 }])
    fix()

    expect(await bus.deadLetters.redrive(idAt(bus))).toEqual({ delivered: 1, failed: 0 })
    expect(bus.deadLetters.size).toBe(0)
    expect(recordsOf(journal, 'result').map(({ session, status }) => [session, status])).toEqual([
      ['s1', 'error'],
      ['s1', 'error'],
      ['s1', 'ok'],
    ])
  })

  test('comes back with restore, and is executed there', async () => {
    const { journal } = await failingBus()
    const next = recordedBus({ newId: () => 'next' })
    expect(await next.bus.restore(journal.records)).toEqual({ scheduled: 0, deadLetters: 1 })
    expect(await next.bus.deadLetters.redrive(idAt(next.bus))).toEqual({ delivered: 0, failed: 1 })
    expect(next.bus.deadLetters.list()).toMatchObject([{ attempts: 2, error: { code: 'NO_HANDLER' } }])

    next.bus.handle(Greet, ({ name }, { session }) => `${name} ${session}`)
    expect(await next.bus.deadLetters.redrive(idAt(next.bus))).toEqual({ delivered: 1, failed: 0 })
    expect(recordsOf(next.journal, 'result')).toMatchObject([{ output: 'Ada s1' }])
  })

  test('keeps its secrets out of the journal', async () => {
    const timers = virtualClock({ start: 0 })
    const { bus, journal } = recordedBus({ now: timers.now, after: timers.after })
    const Enter = defineCommand('people.enter', {
      input: z.object({ token: z.string().meta({ secret: true }) }),
      output: z.string(),
    })
    await bus.schedule(Enter, { token: 'correct horse' }, { after: 10 })
    await timers.advance(10)

    expect(bus.deadLetters.list()).toMatchObject([{ data: { token: 'correct horse' } }])
    expect(JSON.stringify(journal.records)).not.toContain('correct horse')
  })
})

describe('restored letters', () => {
  const next = (options: MessageBusOptions = {}): ReturnType<typeof recordedBus> =>
    recordedBus({ newId: () => 'next', ...options })

  test('come back as they were, in their order', async () => {
    const first = recordedBus()
    mover(first.bus)
    await move(first.bus.session('s1'), ['a', 1])
    await move(first.bus, ['b', 1])
    await first.bus.stop()
    const second = next()

    expect(await second.bus.restore(first.journal.records)).toEqual({ scheduled: 0, deadLetters: 2 })
    expect(second.bus.deadLetters.list()).toEqual(first.bus.deadLetters.list())
  })

  test('are as their last attempt left them', async () => {
    const first = recordedBus()
    mover(first.bus)
    await move(first.bus, ['a', 1], ['b', 1])
    await first.bus.deadLetters.redrive(idAt(first.bus))
    const second = next()
    await second.bus.restore(first.journal.records)

    expect(second.bus.deadLetters.list()).toEqual(first.bus.deadLetters.list())
    expect(second.bus.deadLetters.list()).toMatchObject([{ attempts: 2 }, { attempts: 1 }])
  })

  test('are not those that were redriven, discarded or dropped', async () => {
    const first = recordedBus({ deadLetters: { capacity: 3 } })
    const subscriber = mover(first.bus)
    await move(first.bus, ['a', 1], ['b', 2], ['c', 3], ['d', 4])
    subscriber.broken = false
    await first.bus.deadLetters.redrive(idAt(first.bus))
    first.bus.deadLetters.discard(idAt(first.bus))
    const second = next()

    expect(await second.bus.restore(first.journal.records)).toEqual({ scheduled: 0, deadLetters: 1 })
    expect(second.bus.deadLetters.list()).toMatchObject([{ data: { key: 'd', n: 4 } }])
  })

  test('do not double when their journal is restored twice, also by the bus that wrote it', async () => {
    const first = recordedBus()
    mover(first.bus)
    await move(first.bus, ['a', 1])
    await first.bus.restore(first.journal.records)
    expect(first.bus.deadLetters.size).toBe(1)

    const second = next()
    await second.bus.restore(first.journal.records)
    expect(await second.bus.restore(first.journal.records)).toEqual({ scheduled: 0, deadLetters: 0 })
    expect(second.bus.deadLetters.size).toBe(1)
  })

  test('are redriven as a new event of a chain of its own, which is recorded before it is delivered', async () => {
    const first = recordedBus()
    mover(first.bus)
    await move(first.bus.session('s1'), ['a', 1])
    const second = next()
    const seen: unknown[] = []
    second.bus.on(
      Moved,
      (data, { message, session }) => {
        seen.push({ data, id: message.id, root: message.root, session, story: story(second.journal) })
      },
      { name: 'mover' },
    )
    await second.bus.restore(first.journal.records)

    expect(await second.bus.deadLetters.redrive(idAt(second.bus))).toEqual({ delivered: 1, failed: 0 })
    expect(seen).toEqual([
      {
        data: { key: 'a', n: 1 },
        id: 'next-1',
        root: 'next-1',
        session: 's1',
        story: ['event things.moved'],
      },
    ])
    expect(story(second.journal)).toEqual(['event things.moved', 'note bus.deadLetterRedriven'])
  })

  test('that fail again are the same letters, with more attempts', async () => {
    const first = recordedBus()
    mover(first.bus)
    await move(first.bus, ['a', 1])
    const second = next()
    mover(second.bus)
    await second.bus.restore(first.journal.records)

    expect(await second.bus.deadLetters.redrive(idAt(second.bus))).toEqual({ delivered: 0, failed: 1 })
    expect(second.bus.deadLetters.list()).toMatchObject([
      { id: 'run-letter-1', message: 'run-1', attempts: 2 },
    ])
    const third = recordedBus({ newId: () => 'third' })
    await third.bus.restore([...first.journal.records, ...second.journal.records])
    expect(third.bus.deadLetters.list()).toEqual(second.bus.deadLetters.list())
  })

  test('that were parked hold their key again, and go first', async () => {
    const first = recordedBus()
    mover(first.bus, { park: true })
    await move(first.bus, ['a', 1], ['a', 2])
    const second = next()
    const subscriber = mover(second.bus, { park: true })
    subscriber.broken = false
    await second.bus.restore(first.journal.records)
    await move(second.bus, ['a', 3], ['b', 1])
    expect(subscriber.heard).toEqual(['b1'])

    expect(await second.bus.deadLetters.redrive(idAt(second.bus, -1))).toEqual({ delivered: 3, failed: 0 })
    await move(second.bus, ['a', 4])
    expect(subscriber.heard).toEqual(['b1', 'a1', 'a2', 'a3', 'a4'])
  })

  test('that were parked hold their key also for a subscriber that comes after them', async () => {
    const first = recordedBus()
    mover(first.bus, { park: true })
    await move(first.bus, ['a', 1])
    const second = next()
    await second.bus.restore(first.journal.records)
    const subscriber = mover(second.bus, { park: true })
    subscriber.broken = false
    await move(second.bus, ['a', 2], ['b', 1])
    expect(subscriber.heard).toEqual(['b1'])

    expect(await second.bus.deadLetters.redrive(idAt(second.bus))).toEqual({ delivered: 2, failed: 0 })
    expect(subscriber.heard).toEqual(['b1', 'a1', 'a2'])
  })

  test('are not overwritten by those of a run that draws the prefix of theirs', async () => {
    const first = recordedBus()
    mover(first.bus)
    await move(first.bus, ['a', 1])
    const second = recordedBus()
    mover(second.bus)
    await second.bus.restore(first.journal.records)
    await move(second.bus, ['a', 2])

    expect(second.bus.deadLetters.list()).toMatchObject([
      { id: 'run-letter-1', data: { n: 1 } },
      { id: 'run-letter-2', data: { n: 2 } },
    ])
  })

  test('get another id when one of this run has theirs, and keep it through later restores', async () => {
    const first = recordedBus()
    mover(first.bus)
    await move(first.bus, ['a', 1])
    const second = recordedBus()
    mover(second.bus)
    await move(second.bus, ['a', 2])
    expect(await second.bus.restore(first.journal.records)).toEqual({ scheduled: 0, deadLetters: 1 })
    const expected = [
      { id: 'run-letter-2', data: { n: 1 } },
      { id: 'run-letter-1', data: { n: 2 } },
    ]
    expect(second.bus.deadLetters.list()).toMatchObject(expected)
    expect(await second.bus.restore(first.journal.records)).toEqual({ scheduled: 0, deadLetters: 0 })
    expect(second.bus.deadLetters.list()).toMatchObject(expected)

    await second.bus.deadLetters.redrive('run-letter-2')
    const third = next()
    const records = [...first.journal.records, ...second.journal.records]
    expect(await third.bus.restore(records)).toEqual({ scheduled: 0, deadLetters: 2 })
    expect(third.bus.deadLetters.list()).toEqual(second.bus.deadLetters.list())

    second.bus.deadLetters.discard('run-letter-2')
    const fourth = next()
    await fourth.bus.restore([...first.journal.records, ...second.journal.records])
    expect(fourth.bus.deadLetters.list()).toEqual(second.bus.deadLetters.list())
  })

  test('that had ended by a file that is restored later go', async () => {
    const first = recordedBus()
    mover(first.bus, { park: true })
    await move(first.bus, ['a', 1])
    const second = next()
    await second.bus.restore(first.journal.records)
    second.bus.deadLetters.discard(idAt(second.bus))
    const third = recordedBus({ newId: () => 'third' })
    const subscriber = mover(third.bus, { park: true })
    subscriber.broken = false
    await third.bus.restore(first.journal.records)
    await third.bus.restore(second.journal.records)
    await move(third.bus, ['a', 2])

    expect(subscriber.heard).toEqual(['a2'])
  })

  test('come back masked where the journal is', async () => {
    const first = recordedBus()
    first.bus.on(Login, () => Promise.reject(new Error('no')))
    await first.bus.publish(Login, { name: 'Ada', token: 'correct horse' }).settled
    const second = next()
    await second.bus.restore(first.journal.records)

    expect(second.bus.deadLetters.list()).toMatchObject([{ data: { name: 'Ada', token: '[secret]' } }])
  })

  test('of notes that are none are left out', async () => {
    const { bus } = next()
    const note = { seq: 1, time: 0, kind: 'note' }
    const strange = [
      { ...note, type: 'bus.deadLettered', data: { letter: 'x' } },
      { ...note, type: 'bus.deadLettered' },
      { ...note, type: 'bus.deadLetterRedriven', data: 7 },
      { ...note, type: 'bus.somethingNew', data: { letter: 'x' } },
    ]

    expect(await bus.restore(strange)).toEqual({ scheduled: 0, deadLetters: 0 })
  })
})
