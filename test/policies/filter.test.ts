import { filter } from 'busline'
import { describe, expect, test } from 'vitest'
import { rejection } from '../bus/fixtures/promises.ts'
import { recordsOf } from '../bus/fixtures/recorded-bus.ts'
import { clockedBus } from './fixtures/clocked-bus.ts'
import { Work, Worked } from './fixtures/work.ts'

describe('filter', () => {
  test('holds back the deliveries that its predicate refuses, and each is recorded as filtered', async () => {
    const { bus, journal } = clockedBus()
    const heard: number[] = []
    bus.use(
      filter(({ session }) => session === 's1'),
      { for: [Worked] },
    )
    bus.on(Worked, ({ n }) => void heard.push(n), { name: 'listener' })
    await bus.session('s1').publish(Worked, { n: 1 }).settled

    expect(await bus.session('s2').publish(Worked, { n: 2 }).settled).toMatchObject({
      skipped: 1,
      delivered: 0,
    })
    expect(heard).toEqual([1])
    expect(recordsOf(journal, 'note', 'bus.filtered')).toMatchObject([
      { session: 's2', data: { subscriber: 'listener' } },
    ])
  })

  test('fails the commands that its predicate refuses with FILTERED, and they are recorded so', async () => {
    const { bus, journal } = clockedBus()
    let calls = 0
    bus.use(
      filter(async ({ data }) => data === undefined),
      { for: [Work] },
    )
    bus.handle(Work, () => ++calls)

    expect(await rejection(bus.execute(Work, { n: 1 }))).toMatchObject({ code: 'FILTERED' })
    expect(calls).toBe(0)
    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'error', error: { code: 'FILTERED' } }])
  })

  test('fails a command with what its predicate throws', async () => {
    const { bus } = clockedBus()
    const broken = new Error('broken')
    bus.use(
      filter(() => {
        throw broken
      }),
    )
    bus.handle(Work, () => 1)

    expect(await rejection(bus.execute(Work, { n: 1 }))).toBe(broken)
  })

  test('is named as it was told', () => {
    expect(filter(() => true).name).toBe('filter')
    expect(filter(() => true, 'officeHours').name).toBe('officeHours')
  })
})
