import {
  defineCommand,
  defineEvent,
  memoryJournal,
  MessageBus,
  type JournalRecord,
  type Participant,
} from 'busline'
import { replay } from 'busline/journal'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { first, recordsOf } from './fixtures.ts'

const Numbered = { input: z.object({ n: z.number() }), output: z.number() }
const Order = defineCommand('order.place', Numbered)
const Remind = defineCommand('order.remind', Numbered)
const Placed = defineEvent('order.placed', { data: z.object({ n: z.number() }) })
const Fetch = defineCommand('order.fetch', { ...Numbered, effect: true })

/** Computes for so long, as any handler does. */
function compute(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

async function recorded(
  app: Participant,
  work: (bus: MessageBus) => Promise<unknown>,
): Promise<JournalRecord[]> {
  const journal = memoryJournal()
  const bus = new MessageBus({ journal })
  bus.attach(app)
  await work(bus)
  await bus.stop()
  return recordsOf(journal.lines.join('\n'))
}

const waits = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Places orders one after another, in a process that has more to do. */
async function orders(bus: MessageBus): Promise<void> {
  for (let n = 0; n < 6; n++) {
    await bus.execute(Order, { n })
    compute(4)
  }
  await waits(60)
}

describe('what is scheduled', () => {
  it('is due at the recorded time, although the handler had computed before it scheduled it', async () => {
    const app: Participant = (bus) => {
      bus.handle(Remind, ({ n }) => n)
      bus.handle(Order, async ({ n }, scope) => {
        compute(8)
        await scope.schedule(Remind, { n }, { after: 5 })
        return n
      })
    }
    expect(first(await replay(await recorded(app, orders), app))).toBeUndefined()
  })

  it('comes where it came, although it was overdue when the commands before it arrived', async () => {
    const app: Participant = (bus) => {
      bus.handle(Remind, ({ n }) => n)
      bus.handle(Order, async ({ n }, scope) => {
        await scope.schedule(Remind, { n }, { at: scope.message.time + 1 })
        return n
      })
    }
    expect(first(await replay(await recorded(app, orders), app))).toBeUndefined()
  })

  it('is due again when the journal tells, however late it was sent', async () => {
    const app: Participant = (bus) => {
      bus.handle(Remind, ({ n }) => {
        compute(12)
        return n
      })
      bus.handle(Order, async ({ n }, scope) => {
        await scope.schedule(Remind, { n }, { every: 5, times: 3 })
        return n
      })
    }
    const run = async (bus: MessageBus): Promise<void> => {
      await bus.execute(Order, { n: 1 })
      await waits(80)
    }
    expect(first(await replay(await recorded(app, run), app))).toBeUndefined()
  })

  it('comes from outside where the effect that scheduled it does not run again', async () => {
    const app: Participant = (bus) => {
      bus.handle(Remind, ({ n }) => n)
      bus.handle(Fetch, async ({ n }, scope) => {
        await scope.schedule(Remind, { n }, { after: 1 })
        return n
      })
    }
    const run = async (bus: MessageBus): Promise<void> => {
      await bus.execute(Fetch, { n: 1 })
      await waits(20)
    }
    expect(first(await replay(await recorded(app, run), app))).toBeUndefined()
  })
})

it('a sleep ends where it ended, although a busy process had done other things since it was over', async () => {
  const app: Participant = (bus) => {
    let last = 0
    bus.handle(Remind, ({ n }) => (last = n))
    bus.handle(Order, async (_, scope) => {
      await scope.sleep(2)
      return last
    })
  }
  const records = await recorded(app, async (bus) => {
    const order = bus.execute(Order, { n: 1 })
    for (let n = 1; n < 8; n++) {
      await bus.execute(Remind, { n })
      compute(3)
    }
    await order
  })
  expect(records.find(({ type, of }) => type === Order.type && of !== undefined)?.output).toBe(7)
  expect(records.filter(({ type }) => type === 'bus.timeRead').map(({ data }) => data)).toContainEqual({
    after: 'sleep',
    timer: 1,
  })
  expect(first(await replay(records, app))).toBeUndefined()
})

it('a handler that waits again and again, and writes nothing meanwhile, adds one line at most', async () => {
  const records = await recorded(
    (bus) =>
      bus.handle(Order, async ({ n }, scope) => {
        for (let round = 0; round < n; round++) await scope.sleep(6)
        return n
      }),
    (bus) => bus.execute(Order, { n: 10 }),
  )
  expect(records.filter(({ type }) => type === 'bus.timeRead').length).toBeLessThanOrEqual(1)
})

describe('where something does not happen any more, its line is the first that differs', () => {
  const shop =
    (without?: 'publish' | 'schedule' | 'throw'): Participant =>
    (bus) => {
      bus.handle(Remind, ({ n }) => n)
      bus.handle(Fetch, ({ n }) => n)
      bus.handle(Order, async ({ n }, scope) => {
        await scope.execute(Fetch, { n })
        if (without === 'throw') throw new TypeError('x is undefined')
        if (without !== 'publish') scope.publish(Placed, { n })
        if (without !== 'schedule') await scope.schedule(Remind, { n }, { after: 1 })
        compute(6)
        return scope.now()
      })
    }
  const lineOf = (records: readonly JournalRecord[], type: string): number =>
    records.findIndex((record) => record.type === type) + 1
  const differs = async (without: 'publish' | 'schedule' | 'throw', type: string): Promise<void> => {
    const records = await recorded(shop(), orders)
    const report = await replay(records, shop(without), { patience: 40 })
    expect(first(report)).toMatchObject({ kind: 'missing', type, line: lineOf(records, type) })
    const all = await replay(records, shop(without), { patience: 40, mode: 'keep-going' })
    const lines = all.divergences.map(({ line }) => line)
    expect(lines).toEqual(lines.toSorted((a, b) => a - b))
    expect(lines[0]).toBe(lineOf(records, type))
  }

  it('an event that is not published', () => differs('publish', Placed.type))
  it('a message that is not scheduled', () => differs('schedule', 'bus.scheduled'))
  it('what a handler did after the place where it throws now, and it tells of the error', async () => {
    await differs('throw', Placed.type)
    const report = await replay(await recorded(shop(), orders), shop('throw'), { patience: 40 })
    expect(report.divergences[0]?.replayed).toBe('order.place ended with TypeError: x is undefined.')
  })
})

it('answers of effects that run again come in the recorded order, whichever is faster now', async () => {
  const slowness = [1, 12]
  const app =
    (slow: (n: number) => number): Participant =>
    (bus) => {
      bus.handle(Fetch, async ({ n }) => {
        await waits(slow(n))
        return n
      })
      bus.handle(Order, async (_, scope) => {
        const order: number[] = []
        await Promise.all(
          [0, 1].map(async (n) => {
            order.push(await scope.execute(Fetch, { n }))
          }),
        )
        return order[0] ?? -1
      })
    }
  const records = await recorded(
    app((n) => slowness[n] ?? 0),
    (bus) => bus.execute(Order, { n: 0 }),
  )
  const again = await replay(
    records,
    app((n) => slowness[1 - n] ?? 0),
    { live: [Fetch.type], guard: false },
  )
  expect(first(again)).toBeUndefined()
})
