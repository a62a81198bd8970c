import { defineCommand, defineEvent, type Timing } from 'busline'
import { story, virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Carried, Carry, Greet, Greeted } from './fixtures/greeting.ts'
import { rejection } from './fixtures/promises.ts'
import { recordedBus } from './fixtures/recorded-bus.ts'

describe('a timing', () => {
  test.each<[string, Timing, number]>([
    ['at a time', { at: 5000 }, 5000],
    ['at a date', { at: new Date(5000) }, 5000],
    ['after a while', { after: 300 }, 1300],
    ['after no time at all', { after: 0 }, 1000],
    ['every so often, first after that long', { every: 250 }, 1250],
    ['every so often from a time on', { at: 5000, every: 250 }, 5000],
    ['every so often after a while', { after: 10, every: 250 }, 1010],
    ['in the past, which is due at once', { at: -5 }, -5],
  ])('says when: %s', async (_, timing, due) => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)

    expect(await bus.schedule(Greeted, { name: 'Ada' }, timing)).toMatchObject({ due })
  })

  test.each<[string, Timing, string]>([
    ['nothing', {}, 'at'],
    ['only how often in all', { times: 3 }, 'at'],
    ['two beginnings', { at: 5000, after: 5 }, 'after'],
    ['a date that is none', { at: new Date('tomorrow') }, 'at'],
    ['no number', { at: Number.NaN }, 'at'],
    ['an endless wait', { after: Infinity }, 'after'],
    ['every 0 ms', { every: 0 }, 'every'],
    ['every -1 ms', { every: -1 }, 'every'],
    ['every NaN ms', { every: Number.NaN }, 'every'],
    ['every so often, but endlessly far apart', { at: 5000, every: Infinity }, 'every'],
    ['no times', { every: 5, times: 0 }, 'times'],
    ['half a time', { every: 5, times: 1.5 }, 'times'],
    ['endless times', { every: 5, times: Infinity }, 'times'],
    ['several times without saying how far apart', { after: 5, times: 3 }, 'times'],
    ['a lateness below 0', { after: 5, late: -1 }, 'late'],
    ['a lateness that is no number', { after: 5, late: Number.NaN }, 'late'],
    ['a lateness that the journal could not hold', { after: 5, late: Infinity }, 'late'],
    ['a lateness unheard of', { after: 5, late: JSON.parse('"perhaps"') }, 'late'],
  ])('of %s is INVALID_OPTION at once, and nothing is recorded', async (_, timing, option) => {
    const clock = virtualClock({ start: 1000 })
    const { bus, journal } = recordedBus(clock)

    expect(await rejection(bus.schedule(Greeted, { name: 'Ada' }, timing))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option },
    })
    expect(bus.schedules.list()).toEqual([])
    expect(story(journal)).toEqual([])
    expect(clock.pending).toBe(0)
  })
})

describe('what is scheduled is refused at once', () => {
  const Dated = defineEvent('things.dated', { data: z.object({ at: z.coerce.date<string>() }) })
  const Rejected = defineCommand('things.rejected', {
    input: z.object({ at: z.coerce.date<string>() }),
    output: z.unknown(),
  })

  test('when it does not fit: VALIDATION_FAILED', async () => {
    const { bus, journal } = recordedBus(virtualClock({ start: 1000 }))

    expect(await rejection(bus.schedule(Greet, { name: '' }, { after: 5 }))).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: expect.stringContaining('The scheduled people.greet'),
    })
    expect(await rejection(bus.schedule(Greeted, JSON.parse('{}'), { after: 5 }))).toMatchObject({
      code: 'VALIDATION_FAILED',
    })
    expect(bus.schedules.list()).toEqual([])
    expect(story(journal)).toEqual([])
  })

  test('when it is not JSON: NOT_JSON, also when only its schema makes it so', async () => {
    const { bus, journal } = recordedBus(virtualClock({ start: 1000 }))
    const at = '2030-01-01'

    const errors = [
      await rejection(bus.schedule(Carry, new Map(), { after: 5 })),
      await rejection(bus.schedule(Carried, { n: Number.NaN }, { after: 5 })),
      await rejection(bus.schedule(Carried, undefined, { after: 5 })),
      await rejection(bus.schedule(Dated, { at }, { after: 5 })),
      await rejection(bus.schedule(Rejected, { at }, { after: 5 })),
    ]
    expect(errors).toMatchObject(errors.map(() => ({ code: 'NOT_JSON' })))
    expect(bus.schedules.list()).toEqual([])
    expect(story(journal)).toEqual([])
  })

  test('but not a command whose input is nothing, nor one with a form of its own for the journal', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const Own = defineCommand('things.own', {
      input: z.object({ at: z.coerce.date<string>() }),
      output: z.unknown(),
      record: ({ at }) => at.getTime(),
    })
    const got: unknown[] = []
    bus.handle(Carry, (input) => void got.push(input))
    bus.handle(Own, ({ at }) => void got.push(at))
    await bus.schedule(Carry, undefined, { after: 5 })
    await bus.schedule(Own, { at: '2030-01-01' }, { after: 6 })
    await clock.advance(6)

    expect(got).toEqual([undefined, new Date('2030-01-01')])
  })
})

describe('a repeated message', () => {
  test('keeps its phase, whatever time a sending took', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const sent: number[] = []
    bus.on(Greeted, async () => {
      sent.push(clock.now())
      await bus.execute(Carry, 1).catch(() => undefined)
    })
    await bus.schedule(Greeted, { name: 'Ada' }, { at: 1100, every: 100, times: 4 })
    await clock.advance(1000)

    expect(sent).toEqual([1100, 1200, 1300, 1400])
  })

  test('is not made up for: what fell due while time was lost is sent once', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const sent: number[] = []
    bus.on(Greeted, () => void sent.push(clock.now()))
    const every = await bus.schedule(Greeted, { name: 'Ada' }, { every: 100 })
    await clock.advance(100)
    clock.jump(1750 - clock.now())
    await clock.advance(100)

    expect(sent).toEqual([1100, 1850])
    expect(every.due).toBe(1900)
  })

  test('goes on when the time of day was put back, one period later', async () => {
    const clock = virtualClock({ start: 100_000_000 })
    const { bus } = recordedBus(clock)
    let sent = 0
    bus.on(Greeted, () => void sent++)
    await bus.schedule(Greeted, { name: 'Ada' }, { every: 60_000 })
    await clock.advance(60_000)
    clock.jump(-10 * 3_600_000)
    await clock.advance(5 * 60_000)

    expect(sent).toBe(6)
  })
})
