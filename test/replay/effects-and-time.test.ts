import { setTimeout as wait } from 'node:timers/promises'
import {
  circuitBreaker,
  defineCommand,
  defineEvent,
  idempotency,
  memoryJournal,
  MessageBus,
  rateLimit,
  retry,
  timeout,
  type Bus,
  type Middleware,
  type JournalRecord,
} from 'busline'
import { replay } from 'busline/journal'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { anyOrder, first, recordsOf } from './fixtures.ts'

const Fetch = defineCommand('world.fetch', {
  input: z.object({ n: z.number() }),
  output: z.object({ value: z.number() }),
  effect: true,
})
const Work = defineCommand('job.work', {
  input: z.object({ times: z.number() }),
  output: z.array(z.number()),
})
const Done = defineEvent('job.done', { data: z.object({ n: z.number() }) })
const Heard = defineEvent('job.heard', { data: z.object({ n: z.number() }) })
const Text = defineEvent('world.text', { data: z.object({ text: z.string() }), stream: true })

type Attach = (bus: Bus) => void

/** Fetches all at once, and goes on when each is there. */
function parallel(bus: Bus): void {
  bus.handle(Work, async ({ times }, scope) => {
    const fetch = async (n: number): Promise<number> => {
      const { value } = await scope.execute(Fetch, { n })
      scope.publish(Done, { n })
      await scope.sleep(2)
      return value
    }
    const all = await Promise.allSettled(Array.from({ length: times }, (_, n) => fetch(n)))
    return all.map((one) => (one.status === 'fulfilled' ? one.value : -1))
  })
}

/** Every third fetch fails, each takes another while. */
function flaky(): Attach {
  let count = 0
  return (bus) =>
    void bus.handle(Fetch, async ({ n }) => {
      await wait((n * 5) % 7)
      if (++count % 3 === 0) throw new Error(`no ${count}`)
      return { value: n * 2 }
    })
}

const work = (bus: MessageBus): Promise<unknown> =>
  Promise.all([bus.execute(Work, { times: 5 }), bus.session('s').execute(Work, { times: 4 })])

/** The records of a run with the real clock. */
async function record(
  app: Attach,
  world: Attach,
  play: (bus: MessageBus) => Promise<unknown> = work,
): Promise<JournalRecord[]> {
  const journal = memoryJournal()
  const bus = new MessageBus({ journal })
  bus.attach(app)
  bus.attach(world)
  await play(bus)
  await bus.stop({ deadline: 200 })
  return recordsOf(journal.lines.join('\n'))
}

async function expectSame(records: JournalRecord[], app: Attach): Promise<void> {
  const report = await replay(records, app, { patience: 300 })
  expect(first(report)).toBeUndefined()
  expect(anyOrder(report.records)).toEqual(anyOrder(records))
}

describe('middleware around an effect runs again', () => {
  const policies: [string, () => Middleware[]][] = [
    ['retry', () => [retry({ attempts: 3, delay: 3 })]],
    ['timeout', () => [timeout(3)]],
    ['retry around timeout', () => [retry({ attempts: 3, delay: 3 }), timeout(3)]],
    ['circuitBreaker', () => [circuitBreaker({ failures: 2, cooldown: 4 })]],
    ['rateLimit', () => [rateLimit({ limit: 2, per: 12 })]],
    ['idempotency', () => [idempotency({ key: ({ id }) => String(Number(id.at(-1)) % 2) })]],
  ]
  it.each(policies)('%s', async (_name, middleware) => {
    const app: Attach = (bus) => {
      for (const one of middleware()) bus.use(one, { for: [Fetch] })
      parallel(bus)
    }
    const twice = async (bus: MessageBus): Promise<void> => {
      await work(bus)
      await wait(8)
      await work(bus)
    }
    await expectSame(await record(app, flaky(), twice), app)
  })

  it('and may publish once its effect has been answered, heard by somebody or by nobody', async () => {
    const metered = (hears: boolean): Attach => {
      return (bus) => {
        bus.use(
          async function meter(_message, next, scope) {
            const output = await next()
            scope.publish(Heard, { n: 1 })
            return output
          },
          { for: [Fetch] },
        )
        parallel(bus)
        if (hears) bus.on(Heard, (_data, scope) => void scope.publish(Done, { n: -1 }))
      }
    }
    for (const hears of [true, false]) await expectSame(await record(metered(hears), flaky()), metered(hears))
  })

  it('and is found out when it publishes something else than it did', async () => {
    const metered =
      (n: number): Attach =>
      (bus) => {
        bus.use(
          async function meter(_message, next, scope) {
            const output = await next()
            scope.publish(Heard, { n })
            return output
          },
          { for: [Fetch] },
        )
        parallel(bus)
      }
    const report = await replay(await record(metered(1), flaky()), metered(2))
    expect(first(report)).toMatchObject({ kind: 'extra', type: 'job.heard' })
  })
})

describe('time', () => {
  it('is read alike by handlers that run side by side', async () => {
    const app: Attach = (bus) => {
      bus.handle(Work, async ({ times }, scope) => {
        const read: number[] = []
        for (let n = 0; n < times; n++) {
          await scope.sleep(1 + scope.random() * 9)
          read.push(scope.now())
          scope.publish(Done, { n })
        }
        return read
      })
    }
    await expectSame(await record(app, () => undefined), app)
  })

  it('goes on alike for deliveries that are tried again, and their dead letters', async () => {
    const app: Attach = (bus) => {
      parallel(bus)
      bus.on(
        Done,
        function fails({ n }) {
          throw new Error(`not ${n}`)
        },
        { retry: { attempts: 3, delay: 4 } },
      )
    }
    await expectSame(await record(app, flaky()), app)
  })

  it('brings what a schedule of an earlier run sends', async () => {
    const app: Attach = (bus) => {
      parallel(bus)
      bus.on(Heard, async (_data, scope) => void (await scope.execute(Work, { times: 1 })))
    }
    const earlier = await record(app, flaky(), async (bus) => {
      await bus.schedule(Heard, { n: 0 }, { after: 250 })
      await bus.execute(Work, { times: 1 })
    })
    const later = await record(app, flaky(), async (bus) => {
      await bus.restore(earlier)
      await bus.schedule(Heard, { n: 1 }, { after: 5 })
      await bus.execute(Work, { times: 1 })
      await bus.waitFor(Heard, { where: ({ n }) => n === 0 })
    })
    expect(later.filter(({ type }) => type === 'bus.scheduleFired')).toHaveLength(2)
    await expectSame(later, app)
  })
})

describe('what ends otherwise', () => {
  it('is abandoned again by the stop of the bus', async () => {
    const world: Attach = (bus) => void bus.handle(Fetch, () => new Promise(() => undefined))
    const records = await record(parallel, world, async (bus) => {
      void bus.execute(Work, { times: 2 }).catch(() => undefined)
      await wait(5)
    })
    expect(records.at(-1)).toMatchObject({ type: 'job.work', error: { code: 'ABANDONED' } })
    await expectSame(records, parallel)
  })

  it('cleans up again after a cancel from outside', async () => {
    const all: Attach = (bus) =>
      void bus.handle(Work, async ({ times }, scope) => {
        const fetches = Array.from({ length: times }, (_, n) => scope.execute(Fetch, { n }))
        return (await Promise.allSettled(fetches)).map((one) => (one.status === 'fulfilled' ? 1 : -1))
      })
    const world: Attach = (bus) =>
      void bus.handle(Fetch, async ({ n }, scope) => {
        await wait(n * 6, undefined, { signal: scope.signal }).catch(() => {
          throw new Error('cleaned up')
        })
        return { value: n }
      })
    const records = await record(all, world, async (bus) => {
      const stop = new AbortController()
      setTimeout(() => stop.abort(), 9)
      await bus.execute(Work, { times: 4 }, { signal: stop.signal })
    })
    expect(JSON.stringify(records)).toContain('"status":"cancelled"')
    await expectSame(records, all)
  })

  it('is refused again, and stands nowhere but in a note', async () => {
    const records = await record(parallel, flaky(), async (bus) => {
      await work(bus)
      // @ts-expect-error It takes a number.
      expect(() => bus.publish(Done, { n: 'one' })).toThrow('number')
      await work(bus)
    })
    await expectSame(records, parallel)
  })
})

it('gives subscribers the deltas of an effect before their batch is written', async () => {
  const app: Attach = (bus) => {
    parallel(bus)
    let length = 0
    bus.on(Text, ({ text }, scope) => {
      length += text.length
      if (length % 5 === 0) scope.publish(Heard, { n: length })
    })
  }
  const world: Attach = (bus) =>
    void bus.handle(Fetch, async ({ n }, scope) => {
      for (let piece = 0; piece < 12; piece++) {
        scope.publish(Text, { text: 'x' })
        await wait(1)
      }
      return { value: n }
    })
  const records = await record(app, world, (bus) => bus.execute(Work, { times: 1 }))
  const [heard, batch] = ['job.heard', 'world.text'].map((type) =>
    records.findIndex((record) => record.type === type),
  )
  expect(heard).toBeLessThan(batch ?? 0)
  await expectSame(records, app)
})

it('takes what earlier versions recorded as the upcasts of today have it', async () => {
  const input = z.object({ times: z.number() })
  const v1 = defineCommand('job.count', { input: z.object({ n: z.number() }), output: z.number() })
  const v2 = defineCommand('job.count', {
    input,
    output: z.array(z.number()),
    version: 2,
    upcast: { 1: (data) => ({ times: z.object({ n: z.number() }).parse(data).n }) },
    upcastOutput: { 1: (output) => [output] },
  })
  const asked1 = defineCommand('world.ask', { input: z.object({}), output: z.number(), effect: true })
  const asked2 = defineCommand('world.ask', {
    input: z.object({}),
    output: z.object({ answer: z.number() }),
    effect: true,
    version: 2,
    upcastOutput: { 1: (answer) => ({ answer }) },
  })
  const before: Attach = (bus) =>
    void bus.handle(v1, async ({ n }, scope) => n * (await scope.execute(asked1, {})))
  const today =
    (more: number): Attach =>
    (bus) =>
      void bus.handle(v2, async ({ times }, scope) => [
        times * (await scope.execute(asked2, {})).answer + more,
      ])
  const world: Attach = (bus) => void bus.handle(asked1, () => 7)
  const records = await record(before, world, (bus) => bus.execute(v1, { n: 3 }))

  expect(first(await replay(records, today(0)))).toBeUndefined()
  expect(first(await replay(records, today(1)))).toMatchObject({
    path: 'output[0]',
    recorded: 21,
    replayed: 22,
  })
})

it('misses what was done about an event that nobody hears any more', async () => {
  const hears: Attach = (bus) => {
    parallel(bus)
    bus.on(Heard, async (_data, scope) => void (await scope.execute(Work, { times: 0 })))
  }
  const fromOutside = await record(hears, flaky(), async (bus) => {
    await bus.publish(Heard, { n: 1 }).settled
  })
  const report = await replay(fromOutside, parallel)
  expect(first(report)).toMatchObject({ kind: 'missing', line: 2, type: 'job.heard' })

  const world: Attach = (bus) =>
    void bus.handle(Fetch, ({ n }, scope) => {
      scope.publish(Heard, { n })
      return { value: n }
    })
  const fromAnEffect = await record(hears, world, (bus) => bus.execute(Work, { times: 1 }))
  await expectSame(fromAnEffect, hears)
  const silent = await replay(fromAnEffect, parallel, { patience: 20 })
  expect(first(silent)).toMatchObject({ kind: 'missing', type: 'job.work' })
})
