import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  BuslineError,
  defineEvent,
  jsonlJournal,
  memoryJournal,
  MessageBus,
  readJournal,
  type Journal,
  type JournalRecord,
  type Scheduled,
  type Timing,
} from 'busline'
import { story, virtualClock, type VirtualClock } from 'busline/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import * as z from 'zod'
import { Carry, Greet, Greeted, Pay } from './fixtures/greeting.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

const DAY = 24 * 3_600_000

/** A bus on a clock that stands, and what its subscriber to Greeted hears, with the time of day. */
function clockedBus(options: { clock?: VirtualClock; newId?: () => string } = {}) {
  const { clock = virtualClock({ start: 1000 }), newId = () => 'run' } = options
  const heard: string[] = []
  const { bus, journal } = recordedBus({ now: clock.now, after: clock.after, newId })
  bus.on(Greeted, ({ name }) => void heard.push(`${name} at ${clock.now()}`))
  return { clock, bus, journal, heard }
}

/** The process was killed and came back: a new bus with a journal of its own that has read the earlier ones. */
async function restarted(
  clock: VirtualClock,
  records: readonly JournalRecord[],
  id = 'second',
): Promise<ReturnType<typeof clockedBus> & { restored: { scheduled: number; deadLetters: number } }> {
  const next = clockedBus({ clock, newId: () => id })
  return { ...next, restored: await next.bus.restore(records) }
}

describe('a scheduled message', () => {
  test('is sent when it is due, neither earlier nor twice', async () => {
    const { bus, clock, heard } = clockedBus()
    await bus.schedule(Greeted, { name: 'Ada' }, { at: new Date(1500) })
    await clock.advance(499)
    expect(heard).toEqual([])
    await clock.advance(1000)

    expect(heard).toEqual(['Ada at 1500'])
    expect(clock.pending).toBe(0)
  })

  test('that is a command runs its handler', async () => {
    const { bus, clock } = clockedBus()
    const greeted: string[] = []
    bus.handle(Greet, ({ name }) => {
      greeted.push(name)
      return name
    })
    await bus.schedule(Greet, { name: 'Ada' }, { after: 5 })
    await clock.advance(5)

    expect(greeted).toEqual(['Ada'])
    expect(bus.deadLetters.size).toBe(0)
  })

  test('keeps its session, also after the scope of the session was disposed', async () => {
    const { bus, clock, journal } = clockedBus()
    const session = bus.session('s1')
    await session.schedule(Greeted, { name: 'Ada' }, { after: 5 })
    await session.schedule(Carry, 1, { after: 6 })
    session.dispose()
    await clock.advance(6)

    expect(recordsOf(journal, 'event', 'people.greeted')).toMatchObject([{ session: 's1' }])
    expect(recordsOf(journal, 'command')).toMatchObject([{ session: 's1' }])
  })

  test('from a handler keeps its session and begins a chain of its own, which notes tell', async () => {
    const { bus, clock, journal } = clockedBus()
    bus.handle(Greet, async ({ name }, scope) => {
      const { id } = await scope.schedule(Greeted, { name }, { after: 5 })
      return id
    })
    const id = await bus.session('s1').execute(Greet, { name: 'Ada' })
    await clock.advance(5)

    expect(recordsOf(journal, 'note', 'bus.scheduled')).toMatchObject([
      { session: 's1', cause: 'run-1', root: 'run-1', data: { schedule: id, due: 1005, left: 1 } },
    ])
    const [event] = recordsOf(journal, 'event')
    expect(event).toMatchObject({ id: 'run-2', root: 'run-2', session: 's1' })
    expect(event).not.toHaveProperty('cause')
    expect(recordsOf(journal, 'note', 'bus.scheduleFired')).toMatchObject([
      { data: { schedule: id, message: 'run-2' } },
    ])
    expect(recordsOf(journal, 'note', 'bus.scheduleEnded')).toMatchObject([
      { data: { schedule: id, how: 'done' } },
    ])
  })

  test('is as many times repeated as was asked for, and no more', async () => {
    const { bus, clock, heard, journal } = clockedBus()
    await bus.schedule(Greeted, { name: 'Ada' }, { every: 10, times: 3 })
    await clock.advance(100)

    expect(heard).toEqual(['Ada at 1010', 'Ada at 1020', 'Ada at 1030'])
    expect(recordsOf(journal, 'note', 'bus.scheduleFired').map(({ data }) => data)).toEqual([
      { schedule: 'run-schedule-1', message: 'run-1', next: 1020, left: 2 },
      { schedule: 'run-schedule-1', message: 'run-2', next: 1030, left: 1 },
      { schedule: 'run-schedule-1', message: 'run-3', left: 0 },
    ])
    expect(bus.schedules.list()).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test('is sent again though the one before still goes on', async () => {
    const { bus, clock } = clockedBus()
    let running = 0
    bus.handle(Carry, () => {
      running++
      return new Promise(() => undefined)
    })
    await bus.schedule(Carry, 1, { every: 10, times: 2 })
    await clock.advance(20)

    expect(running).toBe(2)
  })

  test('is parsed when it is sent: its handler gets what the schema yields', async () => {
    const { bus, clock, journal } = clockedBus()
    const Counted = defineEvent('things.counted', {
      data: z.object({ n: z.string().transform(Number) }),
    })
    const got: unknown[] = []
    bus.on(Counted, ({ n }) => void got.push(n))
    await bus.schedule(Counted, { n: '5' }, { after: 5 })
    await clock.advance(5)

    expect(got).toEqual([5])
    expect(recordsOf(journal, 'note', 'bus.scheduled')).toMatchObject([{ data: { data: { n: '5' } } }])
  })

  test('is sent as it was when it was scheduled, and as the journal has it', async () => {
    const { bus, clock, heard } = clockedBus()
    const data = { name: 'Ada' }
    await bus.schedule(Greeted, data, { after: 5 })
    data.name = 'Bob'
    await clock.advance(5)

    expect(heard).toEqual(['Ada at 1005'])
  })

  test('that is a secret is masked in the note', async () => {
    const { bus, journal } = clockedBus()
    const Keyed = defineEvent('things.keyed', { data: z.object({ key: z.string().meta({ secret: true }) }) })
    await bus.schedule(Keyed, { key: 'open sesame' }, { after: 5 })

    expect(journal.lines.join('\n')).not.toContain('open sesame')
  })
})

describe('two that are due at once', () => {
  test.each<[string, Timing, Timing]>([
    ['at one time', { at: 1100 }, { at: 1100 }],
    ['after one while', { after: 100 }, { after: 100 }],
    ['in the past', { at: 5 }, { at: 5 }],
  ])('are sent in the order in which they were scheduled: %s', async (_, first, second) => {
    const { bus, clock, heard } = clockedBus()
    await bus.schedule(Greeted, { name: 'first' }, first)
    await bus.schedule(Greeted, { name: 'second' }, second)
    await clock.advance(100)

    expect(heard.map((line) => line.split(' ')[0])).toEqual(['first', 'second'])
  })

  test('are sent in order also when the timer of the second one rings first', async () => {
    // Node rounds each timer for itself.
    const rings: (() => void)[] = []
    const heard: string[] = []
    const bus = new MessageBus({ now: () => 1000, after: (_, run) => (rings.unshift(run), () => undefined) })
    bus.on(Greeted, ({ name }) => void heard.push(name))
    await bus.schedule(Greeted, { name: 'later' }, { at: 1101 })
    await bus.schedule(Greeted, { name: 'first' }, { at: 1100 })
    await bus.schedule(Greeted, { name: 'second' }, { at: 1100 })
    for (const ring of rings.splice(0)) ring()
    await idle()

    expect(heard).toEqual(['first', 'second', 'later'])
  })
})

describe('a schedule that is taken back', () => {
  test('is not sent: by its handle, by its id, or at the end of a using block', async () => {
    const { bus, clock, heard, journal } = clockedBus()
    const first = await bus.schedule(Greeted, { name: 'first' }, { after: 5 })
    const second = await bus.schedule(Greeted, { name: 'second' }, { every: 5 })
    {
      using third = await bus.schedule(Greeted, { name: 'third' }, { after: 5 })
      expect(third.type).toBe('people.greeted')
    }
    expect([first.cancel(), bus.schedules.cancel(second.id)]).toEqual([true, true])
    expect([first.cancel(), second.cancel(), bus.schedules.cancel(second.id)]).toEqual([false, false, false])
    await clock.advance(100)

    expect(heard).toEqual([])
    expect(clock.pending).toBe(0)
    expect(bus.schedules.list()).toEqual([])
    expect(recordsOf(journal, 'note', 'bus.scheduleEnded').map(({ data }) => data)).toEqual([
      { schedule: 'run-schedule-3', how: 'cancelled' },
      { schedule: 'run-schedule-1', how: 'cancelled' },
      { schedule: 'run-schedule-2', how: 'cancelled' },
    ])
  })

  test('by an id that there is not says so', () => {
    expect(clockedBus().bus.schedules.cancel('nobody')).toBe(false)
  })

  test('after it was sent the last time says so too', async () => {
    const { bus, clock } = clockedBus()
    const once = await bus.schedule(Greeted, { name: 'Ada' }, { after: 5 })
    await clock.advance(5)

    expect(once.cancel()).toBe(false)
  })

  test('by the handler that it has just begun ends there', async () => {
    const { bus, clock, journal } = clockedBus()
    let scheduled: Scheduled | undefined
    const answers: unknown[] = []
    bus.handle(Carry, () => {
      answers.push(scheduled?.cancel())
      return 1
    })
    scheduled = await bus.schedule(Carry, 1, { every: 10 })
    await clock.advance(100)

    expect(answers).toEqual([true])
    expect(clock.pending).toBe(0)
    expect(recordsOf(journal, 'note', 'bus.scheduleEnded')).toMatchObject([{ data: { how: 'cancelled' } }])
  })

  test('by the handler that it began for the last time: there was nothing left to take back', async () => {
    const { bus, clock, journal } = clockedBus()
    let scheduled: Scheduled | undefined
    const answers: unknown[] = []
    bus.handle(Carry, () => {
      answers.push(scheduled?.cancel())
      return 1
    })
    scheduled = await bus.schedule(Carry, 1, { after: 10 })
    await clock.advance(100)

    expect(answers).toEqual([false])
    expect(recordsOf(journal, 'note', 'bus.scheduleEnded')).toMatchObject([{ data: { how: 'done' } }])
  })
})

test('schedules.list() has what waits, the next due first, and follows it', async () => {
  const { bus, clock } = clockedBus()
  bus.handle(Carry, () => 1)
  await bus.schedule(Greeted, { name: 'Ada' }, { after: 30 })
  await bus.schedule(Carry, 1, { every: 10 })
  await bus.schedule(Greeted, { name: 'Bob' }, { after: 30 })

  const list = bus.schedules.list()
  expect(list.map(({ id, kind, type, due }) => [id, kind, type, due])).toEqual([
    ['run-schedule-2', 'command', 'things.carry', 1010],
    ['run-schedule-1', 'event', 'people.greeted', 1030],
    ['run-schedule-3', 'event', 'people.greeted', 1030],
  ])
  await clock.advance(20)
  expect(list[0]?.due).toBe(1030)
  expect(bus.schedules.list().map(({ id }) => id)).toEqual([
    'run-schedule-1',
    'run-schedule-2',
    'run-schedule-3',
  ])
  expect(bus.schedules.list()[0]?.cancel()).toBe(true)
  expect(bus.schedules.list()).toHaveLength(2)
})

describe('a sending that fails', () => {
  test('of a command becomes a dead letter, which can be redriven; the repetition goes on', async () => {
    const { bus, clock } = clockedBus()
    let calls = 0
    bus.handle(Carry, () => {
      if (++calls === 1) throw new Error('no luck')
      return 1
    })
    await bus.session('s1').schedule(Carry, { n: 1 }, { every: 10, times: 2 })
    await clock.advance(20)

    const [letter] = bus.deadLetters.list()
    expect(letter).toMatchObject({
      kind: 'command',
      type: 'things.carry',
      message: 'run-1',
      session: 's1',
      data: { n: 1 },
      attempts: 1,
      error: { message: 'no luck' },
    })
    expect(calls).toBe(2)
    expect(await bus.deadLetters.redrive(letter?.id ?? '')).toEqual({ delivered: 1, failed: 0 })
    expect(calls).toBe(3)
  })

  test('of a command that nobody handles becomes one too', async () => {
    const { bus, clock } = clockedBus()
    await bus.schedule(Carry, 1, { after: 10 })
    await clock.advance(10)

    expect(bus.deadLetters.list()).toMatchObject([{ error: { code: 'NO_HANDLER' } }])
  })

  test('of an event that its schema does not take any more harms nobody: noted, and the repetition goes on', async () => {
    const { bus, clock, journal, heard } = clockedBus()
    let picky = false
    const Picky = defineEvent('things.picky', { data: z.unknown().refine(() => !picky) })
    bus.on(Picky, () => void heard.push('picky'))
    await bus.schedule(Picky, 1, { every: 10, times: 3 })
    await clock.advance(10)
    picky = true
    await clock.advance(10)
    picky = false
    await clock.advance(10)

    expect(heard).toEqual(['picky', 'picky'])
    expect(recordsOf(journal, 'note', 'bus.scheduleFired').map(({ data }) => data)).toMatchObject([
      { message: 'run-1', left: 2 },
      { error: { code: 'VALIDATION_FAILED' }, left: 1 },
      { message: 'run-2', left: 0 },
    ])
  })
})

describe('schedule resolves', () => {
  test('only when the note is as durable as the journal promises, and not before is anything sent', async () => {
    const flushed = deferred()
    const clock = virtualClock({ start: 1000 })
    const heard: string[] = []
    const lines: string[] = []
    const journal: Journal = {
      append: (line) => void lines.push(line),
      flush: () => flushed.promise,
      close: () => Promise.resolve(),
    }
    const bus = new MessageBus({ journal, now: clock.now, after: clock.after })
    bus.on(Greeted, ({ name }) => void heard.push(name))
    let resolved = false
    const scheduling = bus.schedule(Greeted, { name: 'Ada' }, { after: 5 }).then(() => (resolved = true))
    await clock.advance(100)
    expect(lines.at(-1)).toContain('"type":"bus.scheduled"')
    expect([resolved, heard]).toEqual([false, []])
    flushed.resolve()
    await scheduling
    await clock.advance(0)

    expect(heard).toEqual(['Ada'])
  })

  test('never when it could not be made durable: it rejects with JOURNAL_FAILED, and the schedule is taken back', async () => {
    const clock = virtualClock({ start: 1000 })
    const lines: string[] = []
    const journal: Journal = {
      append: (line) => void lines.push(line),
      flush: () => Promise.reject(new Error('disk on fire')),
      close: () => Promise.resolve(),
    }
    const bus = new MessageBus({ journal, now: clock.now, after: clock.after })

    expect(await rejection(bus.schedule(Greeted, { name: 'Ada' }, { after: 5 }))).toMatchObject({
      code: 'JOURNAL_FAILED',
    })
    expect(bus.schedules.list()).toEqual([])
    expect(clock.pending).toBe(0)
    // The lines may still arrive in the file, so the last one has to tell.
    expect(lines.at(-1)).toContain('"type":"bus.scheduleEnded"')
  })

  test('without a journal too', async () => {
    const clock = virtualClock({ start: 1000 })
    const heard: string[] = []
    const bus = new MessageBus({ now: clock.now, after: clock.after })
    bus.on(Greeted, ({ name }) => void heard.push(name))
    await bus.schedule(Greeted, { name: 'Ada' }, { after: 5 })
    await clock.advance(5)

    expect(heard).toEqual(['Ada'])
  })

  test('to what was taken back while it was flushed, if somebody did', async () => {
    const flushed = deferred()
    const clock = virtualClock({ start: 1000 })
    const journal: Journal = {
      append: () => undefined,
      flush: () => flushed.promise,
      close: () => Promise.resolve(),
    }
    const bus = new MessageBus({ journal, now: clock.now, after: clock.after })
    const scheduling = bus.schedule(Greeted, { name: 'Ada' }, { after: 5 })
    for (const scheduled of bus.schedules.list()) scheduled.cancel()
    flushed.resolve()

    expect((await scheduling).cancel()).toBe(false)
    expect(clock.pending).toBe(0)
  })
})

test('what schedules itself again runs a thousand times: no TOO_DEEP, nothing left over', async () => {
  const { bus, clock, journal } = clockedBus()
  let runs = 0
  bus.handle(Carry, async (_, scope) => {
    if (++runs < 1000) await scope.schedule(Carry, runs, { after: 10 })
    return runs
  })
  await bus.schedule(Carry, 0, { after: 10 })
  for (let n = 0; n < 1000; n++) await clock.advance(10)

  expect(runs).toBe(1000)
  expect(bus.schedules.list()).toEqual([])
  expect(bus.deadLetters.size).toBe(0)
  expect(clock.pending).toBe(0)
  expect(recordsOf(journal, 'command').every(({ id, root }) => id === root)).toBe(true)
})

describe('a bus that stops', () => {
  test('sets no timer any more, and leaves what waits in the journal', async () => {
    const { bus, clock, journal } = clockedBus()
    await bus.schedule(Greeted, { name: 'Ada' }, { after: 5 })
    await bus.schedule(Greeted, { name: 'Bob' }, { every: 5 })
    await bus.stop()

    expect(clock.pending).toBe(0)
    expect(recordsOf(journal, 'note', 'bus.scheduleEnded')).toEqual([])
    expect((await restarted(clock, journal.records)).restored).toEqual({ scheduled: 2, deadLetters: 0 })
  })

  test('keeps what running work still schedules for the next run, without a timer', async () => {
    const { bus, clock, journal } = clockedBus()
    const gate = deferred()
    bus.handle(Pay, async (_, scope) => {
      await gate.promise
      const { id } = await scope.schedule(Greeted, { name: 'Ada' }, { after: 5 })
      return id
    })
    const paying = bus.execute(Pay, { amount: 1 })
    const stopping = bus.stop()
    await idle()
    gate.resolve()

    expect(await paying).toBe('run-schedule-1')
    await stopping
    expect(clock.pending).toBe(0)
    expect((await restarted(clock, journal.records)).restored.scheduled).toBe(1)
  })

  test('lets running work take back a schedule, so that the next run does not bring it again', async () => {
    const { bus, clock, journal } = clockedBus()
    const gate = deferred()
    const scheduled = await bus.schedule(Greeted, { name: 'Ada' }, { after: 5 })
    bus.handle(Carry, async () => {
      await gate.promise
      return scheduled.cancel()
    })
    const carrying = bus.execute(Carry, 1)
    const stopping = bus.stop()
    gate.resolve()

    expect(await carrying).toBe(true)
    await stopping
    expect((await restarted(clock, journal.records)).restored.scheduled).toBe(0)
  })

  test('can take back nothing once it has stopped: the journal is closed', async () => {
    const { bus } = clockedBus()
    const scheduled = await bus.schedule(Greeted, { name: 'Ada' }, { after: 5 })
    await bus.stop()

    expect([scheduled.cancel(), bus.schedules.cancel(scheduled.id)]).toEqual([false, false])
  })

  test('stops though the handler that stops it is repeated', async () => {
    const { bus, clock } = clockedBus()
    let runs = 0
    bus.handle(Carry, () => {
      runs++
      void bus.stop()
      return 1
    })
    await bus.schedule(Carry, 1, { every: 10 })
    await clock.advance(100)
    await bus.stop()

    expect(runs).toBe(1)
    expect(clock.pending).toBe(0)
  })

  test('refuses to schedule from outside, and to restore', async () => {
    const { bus, clock } = clockedBus()
    await bus.stop()

    expect(await rejection(bus.schedule(Greeted, { name: 'Ada' }, { after: 5 }))).toMatchObject({
      code: 'BUS_STOPPED',
    })
    expect(await rejection(bus.restore([]))).toMatchObject({ code: 'BUS_STOPPED' })
    expect(clock.pending).toBe(0)
  })
})

describe('after a restart', () => {
  test('what was due later is sent then, and continues with its data, session and id', async () => {
    const first = clockedBus()
    await first.bus.session('s1').schedule(Greeted, { name: 'Ada' }, { after: 100 })
    const { clock } = first
    await clock.advance(20)
    const { bus, heard, journal, restored } = await restarted(clock, first.journal.records)

    expect(restored).toEqual({ scheduled: 1, deadLetters: 0 })
    expect(bus.schedules.list()).toMatchObject([{ id: 'run-schedule-1', kind: 'event', due: 1100 }])
    await first.bus.stop()
    await clock.advance(80)
    expect(heard).toEqual(['Ada at 1100'])
    expect(recordsOf(journal, 'event')).toMatchObject([{ id: 'second-1', session: 's1' }])
    expect(recordsOf(journal, 'note', 'bus.scheduleFired')).toMatchObject([
      { data: { schedule: 'run-schedule-1', message: 'second-1' } },
    ])
  })

  test('a repetition goes on with the count and the phase that it had', async () => {
    const first = clockedBus()
    await first.bus.schedule(Greeted, { name: 'Ada' }, { every: 100, times: 4 })
    const { clock } = first
    await clock.advance(250)
    await first.bus.stop()
    const { heard } = await restarted(clock, first.journal.records)
    await clock.advance(1000)

    expect(first.heard).toEqual(['Ada at 1100', 'Ada at 1200'])
    expect(heard).toEqual(['Ada at 1300', 'Ada at 1400'])
  })

  test('what was done or taken back stays so', async () => {
    const first = clockedBus()
    await first.bus.schedule(Greeted, { name: 'Ada' }, { after: 10 })
    const second = await first.bus.schedule(Greeted, { name: 'Bob' }, { after: 100 })
    await first.clock.advance(10)
    second.cancel()
    const { clock } = first
    const { heard, restored } = await restarted(clock, first.journal.records)
    await clock.advance(1000)

    expect(restored.scheduled).toBe(0)
    expect(heard).toEqual([])
  })

  // Sent, then noted: what the process did not come to note is sent again. Handlers of scheduled messages have to bear it.
  test('what was sent but not noted any more is sent again: at least once', async () => {
    const first = clockedBus()
    await first.bus.schedule(Greeted, { name: 'Ada' }, { after: 10 })
    const { clock } = first
    await clock.advance(10)
    const untilSent = first.journal.records.slice(
      0,
      first.journal.records.findIndex(({ kind }) => kind === 'event') + 1,
    )
    const { heard } = await restarted(clock, untilSent)
    await clock.advance(10)

    expect([first.heard, heard]).toEqual([['Ada at 1010'], ['Ada at 1010']])
  })

  test.each<[string, Timing]>([
    ['once', { after: 10 }],
    ['repeatedly', { every: 10, times: 2 }],
  ])('what was to be sent %s and noted as sent the last time is not sent again', async (_, timing) => {
    const first = clockedBus()
    await first.bus.schedule(Greeted, { name: 'Ada' }, timing)
    const { clock } = first
    await clock.advance(20)
    const withoutEnd = first.journal.records.filter(({ type }) => type !== 'bus.scheduleEnded')
    const { heard, restored } = await restarted(clock, withoutEnd)
    await clock.advance(100)

    expect(heard).toEqual([])
    expect(restored.scheduled).toBe(0)
  })

  test.each<[string, Timing['late'], string[]]>([
    ['by default', undefined, ['Ada at 1500', 'Bob at 1600']],
    ['run', 'run', ['Ada at 1500', 'Bob at 1600']],
    ['skip', 'skip', ['Bob at 1600']],
    ['399 ms', 399, ['Bob at 1600']],
    ['400 ms', 400, ['Ada at 1500', 'Bob at 1600']],
  ])('what fell due 400 ms before is treated as it wishes: %s', async (_, late, expected) => {
    const first = clockedBus()
    const policy = late === undefined ? {} : { late }
    await first.bus.schedule(Greeted, { name: 'Ada' }, { at: 1100, ...policy })
    await first.bus.schedule(Greeted, { name: 'Bob' }, { at: 1600, ...policy })
    const { clock } = first
    await first.bus.stop()
    await clock.advance(500)
    const { heard, journal } = await restarted(clock, first.journal.records)
    await clock.advance(1000)

    expect(heard).toEqual(expected)
    const ended = recordsOf(journal, 'note', 'bus.scheduleEnded').map(({ data }) => data)
    expect(ended).toEqual([
      { schedule: 'run-schedule-1', how: expected.length === 2 ? 'done' : 'late' },
      { schedule: 'run-schedule-2', how: 'done' },
    ])
  })

  test.each<[string, Timing['late'], string[]]>([
    ['run', 'run', ['Ada at 1550', 'Ada at 1600', 'Ada at 1700']],
    ['skip', 'skip', ['Ada at 1600', 'Ada at 1700', 'Ada at 1800']],
  ])('a repetition that fell due several times: %s', async (_, late = 'run', expected) => {
    const first = clockedBus()
    await first.bus.schedule(Greeted, { name: 'Ada' }, { every: 100, times: 3, late })
    const { clock } = first
    await first.bus.stop()
    await clock.advance(550)
    const { heard } = await restarted(clock, first.journal.records)
    await clock.advance(1000)

    expect(heard).toEqual(expected)
  })

  test('several that are late are sent in the order in which they were due', async () => {
    const first = clockedBus()
    await first.bus.schedule(Greeted, { name: 'third' }, { after: 300 })
    await first.bus.schedule(Greeted, { name: 'first' }, { after: 100 })
    await first.bus.schedule(Greeted, { name: 'second' }, { after: 200 })
    const { clock } = first
    await first.bus.stop()
    await clock.advance(5000)
    const { heard } = await restarted(clock, first.journal.records)
    await clock.advance(10)

    expect(heard).toEqual(['first at 6000', 'second at 6000', 'third at 6000'])
  })

  test('what nobody knows yet waits until somebody does, and is sent then', async () => {
    const first = clockedBus()
    first.bus.handle(Carry, (input) => input)
    await first.bus.schedule(Carry, 'late', { after: 100 })
    const { clock } = first
    await first.bus.stop()
    const { bus, journal } = await restarted(clock, first.journal.records)
    await clock.advance(10_000)
    expect(bus.schedules.list()).toHaveLength(1)
    const got: unknown[] = []
    bus.handle(Carry, (input) => void got.push(input))
    await clock.advance(1000)

    expect(got).toEqual(['late'])
    expect(bus.schedules.list()).toEqual([])
    expect(story(journal)).toEqual([
      'command things.carry',
      'result things.carry',
      'note bus.scheduleFired',
      'note bus.scheduleEnded',
    ])
  })

  test('what nobody knows yet leaves no timer when it is taken back, nor when the bus stops', async () => {
    const first = clockedBus()
    await first.bus.schedule(Carry, 1, { after: 1 })
    await first.bus.schedule(Carry, 2, { after: 1 })
    await first.bus.stop()
    const { clock } = first
    const { bus } = await restarted(clock, first.journal.records)
    await clock.advance(5000)
    bus.schedules.list()[0]?.cancel()
    expect(clock.pending).toBe(1)
    await bus.stop()

    expect(clock.pending).toBe(0)
  })

  test('a run that draws the ids of the one before does not mix its schedules up with what came back', async () => {
    const first = clockedBus()
    await first.bus.schedule(Greeted, { name: 'old' }, { after: 100 })
    const { clock } = first
    await first.bus.stop()
    const { bus, heard } = await restarted(clock, first.journal.records, 'run')
    const scheduled = await bus.schedule(Greeted, { name: 'new' }, { after: 50 })
    expect(scheduled.id).not.toBe('run-schedule-1')
    await clock.advance(100)

    expect(heard).toEqual(['new at 1050', 'old at 1100'])
  })

  test('what has the id of one that this run made before comes back under another, for good', async () => {
    const first = clockedBus()
    await first.bus.schedule(Greeted, { name: 'old' }, { every: 100, times: 3 })
    const { clock } = first
    await clock.advance(100)
    await first.bus.stop()
    const second = clockedBus({ clock })
    await second.bus.schedule(Greeted, { name: 'new' }, { after: 30 })
    await second.bus.schedule(Greeted, { name: 'newer' }, { after: 500 })
    expect(await second.bus.restore(first.journal.records)).toEqual({ scheduled: 1, deadLetters: 0 })
    const records = [...first.journal.records, ...second.journal.records]
    expect(await second.bus.restore(records)).toEqual({ scheduled: 0, deadLetters: 0 })
    expect(second.bus.schedules.list().map(({ id, due }) => [id, due])).toEqual([
      ['run-schedule-1', 1130],
      ['run-schedule-3', 1200],
      ['run-schedule-2', 1600],
    ])
    await clock.advance(110)
    await second.bus.stop()
    expect(second.heard).toEqual(['new at 1130', 'old at 1200'])

    const third = await restarted(clock, [...first.journal.records, ...second.journal.records], 'third')
    await clock.advance(1000)
    expect(third.restored.scheduled).toBe(2)
    expect(third.heard).toEqual(['old at 1300', 'newer at 1600'])
  })

  test('what runs of one prefix left under one id comes back from each', async () => {
    const clock = virtualClock({ start: 1000 })
    const records: JournalRecord[] = []
    for (const [name, after] of [
      ['old', 100],
      ['new', 50],
      ['sent', 10],
    ] as const) {
      // Each dies before it restores what the one before left.
      const { bus, journal } = clockedBus({ clock })
      await bus.schedule(Greeted, { name }, { after })
      if (name === 'sent') await clock.advance(after)
      await bus.stop()
      records.push(...journal.records)
    }
    const { heard, restored } = await restarted(clock, records)
    await clock.advance(1000)

    expect(restored.scheduled).toBe(2)
    expect(heard).toEqual(['new at 1050', 'old at 1100'])
  })

  test('what is still being made durable is neither counted nor given a timer', async () => {
    const flushed = deferred()
    const clock = virtualClock({ start: 1000 })
    const journal: Journal = {
      append: () => undefined,
      flush: () => flushed.promise,
      close: () => Promise.resolve(),
    }
    const bus = new MessageBus({ journal, now: clock.now, after: clock.after })
    const scheduling = bus.schedule(Greeted, { name: 'Ada' }, { after: 5 })

    expect(await bus.restore([])).toEqual({ scheduled: 0, deadLetters: 0 })
    expect(clock.pending).toBe(0)
    flushed.resolve()
    await scheduling
    expect(clock.pending).toBe(1)
  })

  test('what had ended by a file that is restored later leaves no timer', async () => {
    const first = clockedBus()
    await first.bus.schedule(Greeted, { name: 'Ada' }, { after: 100 })
    const { clock } = first
    await first.bus.stop()
    const second = await restarted(clock, first.journal.records)
    second.bus.schedules.list()[0]?.cancel()
    const third = await restarted(clock, first.journal.records, 'third')
    await third.bus.restore(second.journal.records)

    expect(third.bus.schedules.list()).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test('a command whose input is nothing comes back too', async () => {
    const first = clockedBus()
    await first.bus.schedule(Carry, undefined, { after: 10 })
    const { clock } = first
    await first.bus.stop()
    const { bus } = await restarted(clock, first.journal.records)
    const got: unknown[] = []
    bus.handle(Carry, (input) => void got.push(input))
    await clock.advance(10)

    expect(got).toEqual([undefined])
  })

  test('a note that is no schedule is no reason to fail', async () => {
    const clock = virtualClock({ start: 1000 })
    const note = { seq: 1, time: 1, kind: 'note' }
    const records: JournalRecord[] = [
      { ...note, type: 'bus.scheduled', data: { schedule: 5 } },
      { ...note, type: 'bus.scheduled' },
      { ...note, type: 'bus.scheduleFired', data: { schedule: 'unknown', left: 1 } },
      { ...note, type: 'bus.scheduleFired', data: 'x' },
      { ...note, type: 'bus.scheduleEnded', data: null },
    ]

    expect((await restarted(clock, records)).restored).toEqual({ scheduled: 0, deadLetters: 0 })
  })

  test('it all goes on from the same file, run after run', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'busline-scheduler-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const path = join(folder, 'app.jsonl')
    const clock = virtualClock({ start: 1000 })
    const heard: string[] = []
    const start = async (): Promise<{ bus: MessageBus; scheduled: number }> => {
      const bus = new MessageBus({ journal: jsonlJournal(path), now: clock.now, after: clock.after })
      bus.on(Greeted, ({ name }) => void heard.push(`${name} at ${clock.now()}`))
      const { scheduled } = await bus.restore(readJournal(path))
      return { bus, scheduled }
    }

    const first = await start()
    await first.bus.schedule(Greeted, { name: 'Ada' }, { every: 100, times: 4 })
    await first.bus.schedule(Greeted, { name: 'Bob' }, { after: 250 })
    const cyd = await first.bus.schedule(Greeted, { name: 'Cyd' }, { after: 250 })
    expect(cyd.cancel()).toBe(true)
    await clock.advance(110)
    await first.bus.stop()
    const second = await start()
    await clock.advance(200)
    await second.bus.stop()
    const third = await start()
    await clock.advance(200)
    await third.bus.stop()
    const fourth = await start()
    await fourth.bus.stop()

    expect([first, second, third, fourth].map(({ scheduled }) => scheduled)).toEqual([0, 2, 1, 0])
    expect(heard).toEqual(['Ada at 1100', 'Ada at 1200', 'Bob at 1250', 'Ada at 1300', 'Ada at 1400'])
  })
})

describe('time', () => {
  test('of more than 24.8 days is waited for, not cut short', async () => {
    const { bus, clock, heard } = clockedBus()
    await bus.schedule(Greeted, { name: 'Ada' }, { after: 40 * DAY })
    await clock.advance(40 * DAY - 1)
    expect(heard).toEqual([])
    await clock.advance(1)

    expect(heard).toEqual([`Ada at ${1000 + 40 * DAY}`])
  })

  test('of day that is put forward is noticed within the hour', async () => {
    const { bus, clock, heard } = clockedBus()
    await bus.schedule(Greeted, { name: 'Ada' }, { after: 10 * DAY })
    await clock.advance(DAY)
    clock.jump(1000 + 11 * DAY - clock.now())
    await clock.advance(3_600_000)

    expect(heard).toHaveLength(1)
  })

  test('of day that is put back delays what is more than an hour away', async () => {
    const { bus, clock, heard } = clockedBus()
    await bus.schedule(Greeted, { name: 'Ada' }, { at: 1000 + 2 * DAY })
    await clock.advance(DAY)
    clock.jump(1000 - clock.now())
    await clock.advance(2 * DAY - 1)
    expect(heard).toEqual([])
    await clock.advance(1)

    expect(heard).toEqual([`Ada at ${1000 + 2 * DAY}`])
  })

  // A timer of an hour or less has been set for as long as it takes: that is what keeps `after: 60_000` at a minute.
  test('of day that is put back within the last hour delays nothing', async () => {
    const { bus, clock, heard } = clockedBus()
    await bus.schedule(Greeted, { name: 'Ada' }, { after: 60_000 })
    clock.jump(-clock.now())
    await clock.advance(60_000)

    expect(heard).toEqual(['Ada at 60000'])
  })
})

test('a journal tells dead letters and schedules of one run together', async () => {
  const first = clockedBus()
  first.bus.handle(Carry, () => {
    throw new BuslineError('FILE_FAILED', 'no')
  })
  await first.bus.schedule(Carry, 1, { every: 10 })
  await first.clock.advance(10)
  await first.bus.stop()

  expect((await restarted(first.clock, first.journal.records)).restored).toEqual({
    scheduled: 1,
    deadLetters: 1,
  })
})

test('a dead letter of a command whose input is nothing comes back', async () => {
  const first = clockedBus()
  await first.bus.schedule(Carry, undefined, { after: 10 })
  await first.clock.advance(10)

  expect((await restarted(first.clock, first.journal.records)).restored.deadLetters).toBe(1)
})

test('a real clock does the same', async () => {
  const journal = memoryJournal()
  await using bus = new MessageBus({ journal })
  const heard = deferred<string>()
  bus.on(Greeted, ({ name }) => heard.resolve(name))
  const before = Date.now()
  await bus.schedule(Greeted, { name: 'Ada' }, { after: 20 })

  expect(await heard.promise).toBe('Ada')
  expect(Date.now() - before).toBeGreaterThanOrEqual(18)
})
