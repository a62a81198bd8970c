// What was lost when earlier systems stopped. The rows are those of the mission.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageBus, readJournal } from 'busline'
import { describe, expect, test } from 'vitest'
import { Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { deferred, idle, rejection } from '../bus/fixtures/promises.ts'
import { recordsOf } from '../bus/fixtures/recorded-bus.ts'
import { runScript } from '../bus/fixtures/run-script.ts'
import { clockedBus } from '../policies/fixtures/clocked-bus.ts'

describe('G7, LLMgine: everything queued is delivered or reported', () => {
  test('stop delivers 100 of 100 queued events (LLMgine dropped 96)', async () => {
    const bus = new MessageBus()
    let heard = 0
    bus.on(Greeted, async () => {
      await idle(1)
      heard++
    })
    for (let n = 0; n < 100; n++) bus.publish(Greeted, { name: 'Ada' })

    expect(await bus.stop()).toEqual({ completed: 100, abandoned: [], timedOut: false })
    expect(heard).toBe(100)
  })

  test('at SIGTERM with ten thousand queued events nothing is lost, and the file has every one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'busline-regressions-'))
    const path = join(folder, 'run.jsonl')
    const script = new URL('./fixtures/stops-on-sigterm.ts', import.meta.url)
    const { code, stdout, stderr } = await runScript(script, { args: [path, '10000'] })

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ delivered: 10_000, abandoned: [], timedOut: false })
    expect(report.completed).toBeGreaterThan(9_000)
    let events = 0
    for await (const { kind } of readJournal(path)) if (kind === 'event') events++
    expect(events).toBe(10_000)
    rmSync(folder, { recursive: true })
  })

  test('what can not be delivered before the deadline is named, in the report and in the journal', async () => {
    const { bus, clock, journal } = clockedBus()
    bus.on(Greeted, () => new Promise(() => undefined), { name: 'stuck' })
    for (let n = 0; n < 3; n++) bus.publish(Greeted, { name: 'Ada' })
    const stopping = bus.stop({ deadline: 1 })
    await clock.advance(2000)
    const { abandoned } = await stopping

    expect(abandoned.map(({ id }) => id)).toEqual(['run-1', 'run-2', 'run-3'])
    expect(recordsOf(journal, 'note', 'bus.abandoned').map(({ data }) => data)).toEqual(
      abandoned.map(({ id }) => ({ event: id, subscriber: 'stuck' })),
    )
  })
})

describe('row 96: what runs when it stops', () => {
  test('a command in the middle of its work ends, and its caller gets the answer', async () => {
    const bus = new MessageBus()
    const gate = deferred<string>()
    bus.handle(Greet, () => gate.promise)
    const answer = bus.execute(Greet, { name: 'Ada' })
    const stopping = bus.stop()
    gate.resolve('hello')

    expect(await answer).toBe('hello')
    expect(await stopping).toMatchObject({ completed: 1, abandoned: [] })
  })

  test('nothing begins after it was reported as abandoned', async () => {
    const { bus, clock } = clockedBus()
    const gate = deferred()
    const heard: string[] = []
    bus.on(Greeted, async ({ name }) => {
      heard.push(name)
      await gate.promise
    })
    // Lets the abandoned delivery end while the participants leave.
    bus.attach(() => () => {
      gate.resolve()
      return idle()
    })
    bus.publish(Greeted, { name: 'Ada' })
    bus.publish(Greeted, { name: 'Bob' })
    const stopping = bus.stop({ deadline: 1 })
    await clock.advance(2000)
    const { abandoned } = await stopping

    expect(abandoned).toHaveLength(2)
    expect(heard).toEqual(['Ada'])
  })

  test('what abandoned work sends is refused, with both lines', async () => {
    const { bus, clock, journal } = clockedBus()
    const gate = deferred()
    const late: Promise<unknown>[] = []
    bus.handle(Greet, async ({ name }, scope) => {
      await gate.promise
      late.push(rejection(scope.execute(Greet, { name })))
      return ''
    })
    bus.attach(() => () => {
      gate.resolve()
      return idle()
    })
    const abandoned = rejection(bus.execute(Greet, { name: 'Ada' }))
    const stopping = bus.stop({ deadline: 1 })
    await clock.advance(2000)
    await stopping

    expect(await abandoned).toMatchObject({ code: 'ABANDONED' })
    expect(await Promise.all(late)).toMatchObject([{ code: 'BUS_STOPPED' }])
    expect(recordsOf(journal, 'command')).toHaveLength(2)
    expect(recordsOf(journal, 'result')).toHaveLength(2)
  })
})

describe('L, LOFT: a session locked for good after STOP', () => {
  test('a cancelled command leaves its session free for the next', async () => {
    const bus = new MessageBus()
    const session = bus.session('s1')
    const controller = new AbortController()
    session.handle(Greet, ({ name }) => (name === 'Ada' ? new Promise(() => undefined) : `hello ${name}`))
    const cancelled = rejection(session.execute(Greet, { name: 'Ada' }, { signal: controller.signal }))
    controller.abort()

    expect(await cancelled).toMatchObject({ code: 'CANCELLED' })
    expect(await session.execute(Greet, { name: 'Bob' })).toBe('hello Bob')
  })

  test('a delivery that timed out leaves its session free for the next', async () => {
    const bus = new MessageBus()
    const session = bus.session('s1')
    const heard: string[] = []
    session.on(
      Greeted,
      ({ name }) => (name === 'Ada' ? new Promise(() => undefined) : void heard.push(name)),
      { timeout: 1 },
    )
    session.publish(Greeted, { name: 'Ada' })
    await session.publish(Greeted, { name: 'Bob' }).settled

    expect(heard).toEqual(['Bob'])
  })
})
