import { defineCommand, defineEvent, type Bus, type JournalRecord, type Scope } from 'busline'
import { replay } from 'busline/journal'
import { testBus, type TestBus } from 'busline/testing'
import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import * as z from 'zod'
import { anyOrder, first, recordsOf, seeds } from './fixtures.ts'

const Fetch = defineCommand('world.fetch', {
  input: z.object({ ms: z.number() }),
  output: z.string(),
  effect: true,
})
const Work = defineCommand('job.work', {
  input: z.object({ steps: z.array(z.number()), stubborn: z.number() }),
  output: z.array(z.string()),
})
const Background = defineCommand('job.background', { input: z.object({}), output: z.string() })
const Told = defineEvent('job.told', { data: z.object({ text: z.string() }) })
const Piece = defineEvent('world.piece', { data: z.object({ text: z.string() }), stream: true })

type Attach = (bus: Bus) => void

/** Does steps one after another and outlives as many cancels of them as it is stubborn. */
function worker(bus: Bus): void {
  bus.handle(Work, async function worker({ steps, stubborn }, scope) {
    const done: string[] = []
    let left = stubborn
    for (const ms of steps) {
      try {
        done.push(ms % 2 === 0 ? await scope.execute(Fetch, { ms }) : await slept(scope, ms))
      } catch (error) {
        scope.publish(Told, { text: `cancelled after ${done.length}` })
        if (left-- <= 0) throw error
        done.push('cancelled')
      }
    }
    return done
  })
}

async function slept(scope: Scope, ms: number): Promise<string> {
  await scope.sleep(ms)
  scope.publish(Told, { text: `slept ${ms}` })
  return 'slept'
}

/** Fetches until it is cancelled; `deaf` has no ear for that. */
const fetching =
  (deaf = false): Attach =>
  (bus) =>
    void bus.handle(Fetch, async function fetching({ ms }, scope) {
      scope.publish(Piece, { text: `${ms}` })
      if (deaf) await new Promise<void>((resolve) => void bus.after(ms, resolve))
      else await scope.sleep(ms)
      return `after ${ms}`
    })

/** The records of a run in virtual time. */
async function record(
  participants: Attach[],
  play: (world: TestBus, sleep: (ms: number) => Promise<void>) => Promise<unknown>,
): Promise<JournalRecord[]> {
  const world = testBus()
  const { bus, clock, journal } = world
  for (const participant of participants) bus.attach(participant)
  await clock.until(play(world, (ms) => new Promise((resolve) => void clock.after(ms, resolve))))
  await clock.until(bus.stop())
  return recordsOf(journal.lines.join('\n'))
}

async function expectSame(records: JournalRecord[], app: Attach): Promise<void> {
  const report = await replay(records, app, { ...seeds(), patience: 50 })
  expect(first(report)).toBeUndefined()
  expect(anyOrder(report.records)).toEqual(anyOrder(records))
}

describe('a cancel from outside comes again where it came', () => {
  it.each([
    ['that the command outlives', false, [20, 11, 20], 3],
    ['that ends the command', false, [20, 20], 0],
    ['in the middle of a wait', false, [20, 11, 4], 1],
    ['of which nobody hears, though the code goes on', true, [20, 20, 8], 3],
    ['of which nobody hears', true, [20, 20], 0],
  ])('%s', async (_name, deaf, steps, stubborn) => {
    const records = await record([worker, fetching(deaf)], async ({ bus }, sleep) => {
      const caller = new AbortController()
      const working = bus.execute(Work, { steps, stubborn }, { signal: caller.signal })
      void working.catch(() => undefined)
      await sleep(25)
      caller.abort()
      await working.catch(() => undefined)
      await bus.execute(Work, { steps: [5, 4], stubborn: 0 })
      await sleep(100)
    })
    expect(records.some(({ type }) => type === 'bus.cancelRequested')).toBe(true)
    await expectSame(records, worker)
  })

  it('of what was just sent, before its handler ends that waits for nothing, however slow the machine was', async () => {
    const app: Attach = (bus) => void bus.handle(Background, () => Promise.resolve('done'))
    const records = await record([app], async ({ bus }) => {
      const caller = new AbortController()
      const working = bus.execute(Background, {}, { signal: caller.signal })
      caller.abort()
      await working.catch(() => undefined)
    })
    const slow = records.map((line) => ({ ...line, time: line.time + 9 * line.seq }))
    const report = await replay(slow, app, { ...seeds(), patience: 50 })
    expect(slow.map(({ type }) => type)).toContain('bus.cancelRequested')
    expect(first(report)).toBeUndefined()
  })

  it('when the time was up that the caller gave', async () => {
    const records = await record([worker, fetching()], async ({ bus }) => {
      await bus.execute(Work, { steps: [10, 10, 10], stubborn: 3 }, { timeout: 20 })
      await bus.execute(Work, { steps: [15, 15], stubborn: 0 }, { timeout: 20 }).catch(() => undefined)
    })
    expect(records.find(({ type }) => type === 'bus.cancelRequested')?.data).toMatchObject({
      reason: { code: 'TIMED_OUT', data: { timeout: 20 } },
    })
    await expectSame(records, worker)
  })

  it('through a session, to all that runs in it and to what an ended command began', async () => {
    const app: Attach = (bus) => {
      worker(bus)
      bus.handle(Background, (_, scope) => {
        void scope.execute(Work, { steps: [31, 31], stubborn: 1 }, { timeout: 1000 })
        return 'begun'
      })
    }
    const records = await record([app, fetching()], async ({ bus }, sleep) => {
      const caller = new AbortController()
      const session = bus.session('s1', { signal: caller.signal })
      await session.execute(Background, {})
      const working = [9, 12].map((ms) =>
        session.execute(Work, { steps: [ms, ms, ms], stubborn: 0 }).catch(() => undefined),
      )
      await sleep(20)
      caller.abort()
      await Promise.all(working)
      await sleep(100)
    })
    expect(records.filter(({ type }) => type === 'bus.cancelRequested')).toHaveLength(3)
    await expectSame(records, app)
  })

  it('at once with what was sent at once', async () => {
    const records = await record([worker, fetching()], async ({ bus }, sleep) => {
      const caller = new AbortController()
      const signal = caller.signal
      const both = [1, 0].map((stubborn) =>
        bus.execute(Work, { steps: [30, 30], stubborn }, { signal }).catch(() => undefined),
      )
      await sleep(40)
      caller.abort()
      await Promise.all([...both, bus.execute(Work, { steps: [8], stubborn: 0 })])
    })
    await expectSame(records, worker)
  })

  it('after what was streamed before it', async () => {
    const app: Attach = (bus) => {
      const heard: string[] = []
      bus.on(Piece, ({ text }) => void heard.push(text))
      bus.handle(Background, async (_, scope) => {
        scope.signal.addEventListener('abort', () => scope.publish(Told, { text: heard.join() }))
        const fetched = [40, 42].map((ms) => scope.execute(Fetch, { ms }).catch(() => 'nothing'))
        return (await Promise.all(fetched)).join()
      })
    }
    const records = await record([app, fetching()], async ({ bus }, sleep) => {
      const caller = new AbortController()
      const working = bus.execute(Background, {}, { signal: caller.signal })
      await sleep(10)
      caller.abort()
      expect(await working).toBe('nothing,nothing')
    })
    expect(records.find(({ type }) => type === 'job.told')?.data).toEqual({ text: '40,42' })
    await expectSame(records, app)
  })

  it('to an effect, and to a command of which the journal has another form', async () => {
    const Named = defineCommand('job.named', {
      input: z.object({ name: z.string() }),
      output: z.string(),
      record: ({ name }) => ({ length: name.length }),
    })
    const app: Attach = (bus) => {
      bus.attach(fetching())
      bus.handle(Named, (_, scope) => scope.execute(Fetch, { ms: 20 }).catch(() => 'nothing'))
    }
    const records = await record([app], async ({ bus }, sleep) => {
      const caller = new AbortController()
      const { signal } = caller
      const working = [
        bus.execute(Named, { name: 'Ada' }, { signal }),
        bus.execute(Fetch, { ms: 20 }, { signal }).catch(() => undefined),
      ]
      await sleep(10)
      caller.abort()
      await Promise.all(working)
    })
    expect(records.filter(({ type }) => type === 'bus.cancelRequested')).toHaveLength(2)
    await expectSame(records, app)
  })

  it('before it was sent', async () => {
    const records = await record([worker, fetching()], async ({ bus }) => {
      const signal = AbortSignal.abort(new Error('never mind'))
      await bus.execute(Work, { steps: [1], stubborn: 0 }, { signal }).catch(() => undefined)
      await bus.execute(Work, { steps: [1], stubborn: 0 })
    })
    await expectSame(records, worker)
  })
})

test('a journal that tells of no cancel differs where the cancel shows', async () => {
  const records = await record([worker, fetching()], async ({ bus }, sleep) => {
    const caller = new AbortController()
    const working = bus.execute(Work, { steps: [21, 21], stubborn: 0 }, { signal: caller.signal })
    void working.catch(() => undefined)
    await sleep(25)
    caller.abort()
    await working.catch(() => undefined)
    await bus.execute(Work, { steps: [5], stubborn: 0 })
  })
  const without = records.filter(({ type }) => type !== 'bus.cancelRequested')
  const report = await replay(without, worker, { ...seeds(), patience: 20 })
  expect(first(report)).toMatchObject({ kind: 'changed', line: 5, type: 'job.told', path: 'data.text' })
})

const works = fc.array(
  fc.record({
    at: fc.nat(30),
    steps: fc.array(fc.nat(20), { maxLength: 4 }),
    stubborn: fc.nat(2),
    cancelAfter: fc.option(fc.nat(40), { nil: undefined }),
    timeout: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
    session: fc.constantFrom('a', 'b'),
  }),
  { minLength: 1, maxLength: 5 },
)

test('whoever cancels what when: run again, it is the same', async () => {
  await fc.assert(
    fc.asyncProperty(works, fc.boolean(), async (all, deaf) => {
      const records = await record([worker, fetching(deaf)], async ({ bus, clock }, sleep) => {
        await Promise.all(
          all.map(async ({ at, steps, stubborn, cancelAfter, timeout, session }) => {
            await sleep(at)
            const caller = new AbortController()
            if (cancelAfter !== undefined) clock.after(cancelAfter, () => caller.abort())
            const { signal } = caller
            await bus
              .session(session)
              .execute(Work, { steps, stubborn }, { signal, timeout })
              .catch(() => undefined)
          }),
        )
        await sleep(2000)
      })
      await expectSame(records, worker)
    }),
    { numRuns: 60 },
  )
})
