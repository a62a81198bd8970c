import type { JournalRecord } from 'busline'
import { virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Greeted } from './fixtures/greeting.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus } from './fixtures/recorded-bus.ts'

/** What a run left that had a schedule, and a dead letter of a subscriber that parks. */
async function leftRecords(): Promise<JournalRecord[]> {
  const { now, after } = virtualClock({ start: 1000 })
  const { bus, journal } = recordedBus({ now, after })
  bus.on(Greeted, () => Promise.reject(new Error('no')), { name: 'greeter', park: true })
  await bus.publish(Greeted, { name: 'Ada' }).settled
  await bus.schedule(Greeted, { name: 'Bob' }, { after: 10 })
  await bus.stop()
  return journal.records
}

/** A bus that is to take it over, and what its subscriber hears. */
function nextBus() {
  const clock = virtualClock({ start: 1000 })
  const { bus, journal } = recordedBus({ now: clock.now, after: clock.after, newId: () => 'next' })
  const heard: string[] = []
  bus.on(Greeted, ({ name }) => void heard.push(name), { name: 'greeter', park: true })
  return { bus, journal, clock, heard }
}

describe('a restore that can not read the records to their end', () => {
  test('rejects with what reading them threw, and has taken over nothing', async () => {
    const records = await leftRecords()
    const { bus, journal, clock, heard } = nextBus()
    const error = new Error('damaged')
    async function* damaged(): AsyncGenerator<JournalRecord> {
      yield* records
      throw error
    }

    expect(await rejection(bus.restore(damaged()))).toBe(error)
    expect([bus.deadLetters.size, bus.schedules.list(), clock.pending]).toEqual([0, [], 0])
    expect(journal.records).toHaveLength(1)
    await bus.publish(Greeted, { name: 'Cyd' }).settled
    expect(heard).toEqual(['Cyd'])
  })

  test('can be tried again with what can be read', async () => {
    const records = await leftRecords()
    const { bus, clock, heard } = nextBus()
    async function* readable(): AsyncGenerator<JournalRecord> {
      try {
        yield* records
        throw new Error('damaged')
      } catch {
        return
      }
    }

    expect(await bus.restore(readable())).toEqual({ scheduled: 1, deadLetters: 1 })
    await clock.advance(10)
    expect(heard).toEqual([])
    expect(bus.deadLetters.list().map(({ data }) => data)).toEqual([{ name: 'Ada' }, { name: 'Bob' }])
  })

  test('because the bus is stopped meanwhile rejects with BUS_STOPPED, and has taken over nothing', async () => {
    const records = await leftRecords()
    const { bus, clock } = nextBus()
    const gate = deferred()
    async function* slow(): AsyncGenerator<JournalRecord> {
      yield* records
      await gate.promise
    }
    const restoring = rejection(bus.restore(slow()))
    await idle()
    await bus.stop()
    gate.resolve()

    expect(await restoring).toMatchObject({ code: 'BUS_STOPPED' })
    expect([bus.deadLetters.size, bus.schedules.list(), clock.pending]).toEqual([0, [], 0])
  })
})

test('the same records twice in a row are restored once', async () => {
  const records = await leftRecords()

  expect(await nextBus().bus.restore([...records, ...records])).toEqual({ scheduled: 1, deadLetters: 1 })
})

test('notes that give another id to something unknown, or are none, change nothing', async () => {
  const note = { seq: 1, time: 0, kind: 'note' }
  const strange = [
    { ...note, type: 'bus.deadLetterRenamed', data: { letter: 'run-letter-1', to: 'x', print: 'y' } },
    { ...note, type: 'bus.deadLetterRenamed', data: 'x' },
    { ...note, type: 'bus.scheduleRenamed', data: { schedule: 'run-schedule-1', to: 'x', print: 'y' } },
    { ...note, type: 'bus.scheduleRenamed' },
  ]
  const { bus } = nextBus()

  expect(await bus.restore([...(await leftRecords()), ...strange])).toEqual({ scheduled: 1, deadLetters: 1 })
  expect(bus.deadLetters.list()).toMatchObject([{ id: 'run-letter-1' }])
  expect(bus.schedules.list()).toMatchObject([{ id: 'run-schedule-1' }])
})

test('a letter whose data can not be written is kept beside a restored one of its id', async () => {
  const records = await leftRecords()
  const { bus } = recordedBus()
  bus.on(Greeted, (data) => {
    Object.assign(data, { count: 1n })
    throw new Error('no')
  })
  await bus.publish(Greeted, { name: 'Dan' }).settled
  await bus.restore(records)

  expect(bus.deadLetters.list().map(({ data }) => data)).toMatchObject([{ name: 'Ada' }, { name: 'Dan' }])
})
