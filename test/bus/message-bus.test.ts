import { MessageBus, type Bus, type Sender } from 'busline'
import { virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Carry, Greet, Greeted, Moved } from './fixtures/greeting.ts'
import { idle, rejection, thrownBy } from './fixtures/promises.ts'
import { recordedBus } from './fixtures/recorded-bus.ts'

describe('a bus', () => {
  test('knows the definitions that were handled, subscribed to or sent, and no others', async () => {
    const bus = new MessageBus()
    expect(bus.definition('people.greet')).toBeUndefined()
    bus.handle(Greet, ({ name }) => name)
    bus.on(Greeted, () => undefined)
    bus.publish(Moved, { key: 'a', n: 1 })

    expect([Greet, Greeted, Moved].map(({ type }) => bus.definition(type))).toEqual([Greet, Greeted, Moved])
    expect(bus.definition('things.carry')).toBeUndefined()
  })

  test('knows the definition of what was only scheduled', async () => {
    const { bus } = recordedBus(virtualClock({ start: 1000 }))
    await bus.schedule(Carry, 1, { after: 5 })

    expect(bus.definition('things.carry')).toBe(Carry)
  })

  test('restores from records that come synchronously or not', async () => {
    const clock = virtualClock({ start: 1000 })
    const first = recordedBus(clock)
    await first.bus.schedule(Greeted, { name: 'Ada' }, { after: 5 })
    const { records } = first.journal
    async function* later(): AsyncGenerator<(typeof records)[number]> {
      for (const record of records) {
        await idle(1)
        yield record
      }
    }

    expect(await new MessageBus(clock).restore(records)).toEqual({ scheduled: 1, deadLetters: 0 })
    expect(await new MessageBus(clock).restore(later())).toEqual({ scheduled: 1, deadLetters: 0 })
  })

  test('restores nothing from records that break off with an error, but what it has read', async () => {
    const clock = virtualClock({ start: 1000 })
    const first = recordedBus(clock)
    await first.bus.schedule(Greeted, { name: 'Ada' }, { after: 5 })
    const broken = new Error('damaged')
    const { bus } = recordedBus(clock)
    function* damaged(): Generator<(typeof first.journal.records)[number]> {
      yield* first.journal.records
      throw broken
    }

    expect(await rejection(bus.restore(damaged()))).toBe(broken)
  })

  test('refuses a capacity of dead letters that is none', () => {
    expect(thrownBy(() => new MessageBus({ deadLetters: { capacity: 0 } }))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option: 'deadLetters.capacity' },
    })
  })

  test('hands its methods on without being asked by name: destructured they work too', async () => {
    const bus = new MessageBus()
    const { on, waitFor, events, schedule } = bus
    const heard: string[] = []
    on(Greeted, ({ name }) => void heard.push(name))
    const waiting = waitFor(Greeted)
    const stream = events(Greeted)
    const scheduled = await schedule(Greeted, { name: 'later' }, { after: 60_000 })
    bus.publish(Greeted, { name: 'Ada' })

    expect(await waiting).toEqual({ name: 'Ada' })
    expect((await stream.next()).value).toEqual({ name: 'Ada' })
    expect(heard).toEqual(['Ada'])
    expect(scheduled.cancel()).toBe(true)
    await stream.return()
  })
})

test('whatever sends schedules too: bus, session, handler, participant, tracked call', async () => {
  const clock = virtualClock({ start: 1000 })
  const { bus } = recordedBus(clock)
  const senders: Sender[] = [bus, bus.session('s1')]
  bus.attach((view: Bus) => void senders.push(view))
  bus.handle(Carry, (_, scope) => void senders.push(scope))
  await bus.execute(Carry, 1)
  await bus.track((sender) => void senders.push(sender))
  const heard: string[] = []
  bus.on(Greeted, ({ name }) => void heard.push(name))
  for (const [index, sender] of senders.entries())
    await sender.schedule(Greeted, { name: String(index) }, { after: 5 })
  await clock.advance(5)

  expect(heard).toEqual(['0', '1', '2', '3', '4'])
})
