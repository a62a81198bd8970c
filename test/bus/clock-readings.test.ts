import { defineCommand, memoryJournal, MessageBus } from 'busline'
import { virtualClock } from 'busline/testing'
import { expect, test } from 'vitest'
import * as z from 'zod'

const Read = defineCommand('clock.read', { input: z.object({ wait: z.number() }), output: z.number() })
const Touch = defineCommand('clock.touch', { ...Read, effect: true })
const Draw = defineCommand('luck.draw', {
  input: z.object({}),
  output: z.object({ ids: z.array(z.string()), numbers: z.array(z.number()) }),
})

function world(options: ConstructorParameters<typeof MessageBus>[0] = {}) {
  const journal = memoryJournal()
  const bus = new MessageBus({ ...options, journal })
  const read = async ({ wait }: { wait: number }, scope: { now(): number }): Promise<number> => {
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    return scope.now()
  }
  bus.handle(Read, read)
  bus.handle(Touch, read)
  bus.handle(Draw, (_input, scope) => ({
    ids: [scope.newId(), scope.newId()],
    numbers: [scope.random(), scope.random()],
  }))
  const records = (): { type: string; time: number; cause?: string }[] =>
    journal.lines.map((line) => JSON.parse(line))
  return { bus, records }
}

test('a handler that reads the clock at once gets the time of the last line', async () => {
  const { bus, records } = world()
  const time = await bus.execute(Read, { wait: 0 })
  expect(
    records()
      .slice(0, 2)
      .map((record) => record.time),
  ).toContain(time)
})

test('one that reads it later, with nothing recorded meanwhile, gets the time of a line of its own', async () => {
  const { bus, records } = world()
  const time = await bus.execute(Read, { wait: 12 })
  expect(records().find(({ type }) => type === 'bus.timeRead')).toMatchObject({
    time,
    cause: expect.stringMatching(/-1$/),
  })
})

test('neither an effect nor a clock that was injected writes such a line', async () => {
  const clock = virtualClock()
  const injected = world({ now: clock.now, after: clock.after })
  await injected.bus.execute(Read, { wait: 12 })
  const { bus, records } = world()
  await bus.execute(Touch, { wait: 12 })
  expect([...injected.records(), ...records()].map(({ type }) => type)).not.toContain('bus.timeRead')
})

test('without a journal the clock is read as it is', async () => {
  const bus = new MessageBus()
  bus.handle(Read, (_input, scope) => scope.now())
  const before = Date.now()
  expect(await bus.execute(Read, { wait: 0 })).toBeGreaterThanOrEqual(before)
})

test('ids and random numbers of a handler are others for each message, and for each draw', async () => {
  const { bus } = world()
  const draws = [await bus.execute(Draw, {}), await bus.execute(Draw, {})]
  const ids = draws.flatMap((draw) => draw.ids)
  const numbers = draws.flatMap((draw) => draw.numbers)
  expect(new Set(ids).size).toBe(4)
  expect(new Set(numbers).size).toBe(4)
  for (const id of ids) expect(id).toMatch(/^[0-9a-z]{10}$/)
  for (const number of numbers) expect(number >= 0 && number < 1).toBe(true)
})
