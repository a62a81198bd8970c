import { getEventListeners } from 'node:events'
import { defineCommand, MessageBus } from 'busline'
import { virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Greet, Greeted } from './fixtures/greeting.ts'
import { deferred, idle, rejection, thrownBy } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'
import { runScript } from './fixtures/run-script.ts'

describe('a session', () => {
  test('puts its id on what is sent through it, and on all that this causes', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Greet, ({ name }, scope) => {
      scope.publish(Greeted, { name })
      return String(scope.session)
    })

    expect(await bus.session('s1').execute(Greet, { name: 'Ada' })).toBe('s1')
    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('undefined')
    expect(journal.records.map(({ session }) => session)).toEqual([
      undefined,
      's1',
      's1',
      's1',
      undefined,
      undefined,
      undefined,
    ])
  })

  test('hears its own events only; the bus hears all', async () => {
    const bus = new MessageBus()
    using one = bus.session('s1')
    using two = bus.session('s2')
    const heard: string[] = []
    one.on(Greeted, ({ name }) => void heard.push(`s1 hears ${name}`))
    two.on('**', () => void heard.push('s2 hears'))
    bus.on(Greeted, ({ name }) => void heard.push(`bus hears ${name}`))
    await one.publish(Greeted, { name: 'Ada' }).settled
    await bus.publish(Greeted, { name: 'Bob' }).settled

    expect(heard).toEqual(['bus hears Ada', 's1 hears Ada', 'bus hears Bob'])
  })

  test('of one id is one session, through however many scopes', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    using listener = bus.session('s1')
    listener.on(Greeted, ({ name }) => void heard.push(name))
    await bus.session('s1').publish(Greeted, { name: 'Ada' }).settled

    expect(heard).toEqual(['Ada'])
  })

  test('of the same id on another bus is another session', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    bus.session('s1').on(Greeted, ({ name }) => void heard.push(name))
    await new MessageBus().session('s1').publish(Greeted, { name: 'Ada' }).settled

    expect(heard).toEqual([])
  })

  test('needs an id', () => {
    expect(thrownBy(() => new MessageBus().session(''))).toMatchObject({ code: 'INVALID_SESSION_ID' })
  })
})

describe('a disposed session', () => {
  test('takes along every handler and subscriber that it registered, and no other', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    bus.handle(Greet, () => 'from the bus')
    bus.on(Greeted, () => void heard.push('bus'))
    using other = bus.session('s1')
    other.on(Greeted, () => void heard.push('other scope'))
    const session = bus.session('s1')
    session.handle(Greet, () => 'from the session')
    session.on(Greeted, () => void heard.push('session'))
    session.dispose()

    expect(await other.execute(Greet, { name: 'Ada' })).toBe('from the bus')
    await other.publish(Greeted, { name: 'Ada' }).settled
    expect(heard).toEqual(['bus', 'other scope'])
  })

  test('refuses everything with SCOPE_DISPOSED', async () => {
    const bus = new MessageBus()
    const session = bus.session('s1')
    session.dispose()
    session.dispose()

    const gone = expect.objectContaining({ code: 'SCOPE_DISPOSED', message: expect.stringContaining('s1') })
    expect(() => session.publish(Greeted, { name: 'Ada' })).toThrow(gone)
    expect(() => session.on(Greeted, () => undefined)).toThrow(gone)
    expect(() => session.handle(Greet, () => '')).toThrow(gone)
    await expect(session.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({ code: 'SCOPE_DISPOSED' })
  })

  test('lets what runs in it end', async () => {
    const bus = new MessageBus()
    const gate = deferred<string>()
    bus.handle(Greet, () => gate.promise)
    const session = bus.session('s1')
    const greeting = session.execute(Greet, { name: 'Ada' })
    session.dispose()
    gate.resolve('hello')

    expect(await greeting).toBe('hello')
  })

  test('leaves its name to another scope', async () => {
    const bus = new MessageBus()
    const first = bus.session('s1')
    first.handle(Greet, () => 'first')
    first.dispose()
    using second = bus.session('s1')
    second.handle(Greet, () => 'second')
    first.dispose()

    expect(await second.execute(Greet, { name: 'Ada' })).toBe('second')
  })

  test('discards deliveries that have not begun, and says so in the journal', async () => {
    const { bus, journal } = recordedBus()
    const heard: string[] = []
    const session = bus.session('s1')
    session.on(Greeted, ({ name }) => void heard.push(name))
    session.publish(Greeted, { name: 'Ada' })
    session.dispose()
    await idle()

    expect(heard).toEqual([])
    expect(recordsOf(journal, 'note', 'bus.discarded')).toMatchObject([{ session: 's1', cause: 'run-1' }])
  })

  test('ends its waits and streams, and leaves no listener on their signal', async () => {
    const bus = new MessageBus()
    const { signal } = new AbortController()
    const session = bus.session('s1')
    const waiting = rejection(session.waitFor(Greeted, { signal, timeout: 60_000 }))
    const next = session.events('people.*', { signal }).next()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    session.dispose()

    expect(await waiting).toMatchObject({ code: 'SCOPE_DISPOSED' })
    expect(await next).toEqual({ done: true, value: undefined })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('refuses to wait, to stream and to schedule', async () => {
    const bus = new MessageBus()
    const session = bus.session('s1')
    session.dispose()
    const gone = { code: 'SCOPE_DISPOSED' }

    expect(await rejection(session.waitFor(Greeted))).toMatchObject(gone)
    expect(thrownBy(() => session.events(Greeted))).toMatchObject(gone)
    expect(await rejection(session.schedule(Greeted, { name: 'Ada' }, { after: 5 }))).toMatchObject(gone)
    expect(bus.schedules.list()).toEqual([])
  })

  test('leaves what it scheduled: that is in the journal, and taken back by its handle', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const session = bus.session('s1')
    const scheduled = await session.schedule(Greeted, { name: 'Ada' }, { after: 5 })
    session.dispose()

    expect(bus.schedules.list().map(({ id }) => id)).toEqual([scheduled.id])
    expect(scheduled.cancel()).toBe(true)
  })

  test('keeps nothing of the waits and streams that ended before it', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const session = bus.session('s1')
    const got: unknown[] = []
    for (let n = 0; n < 100; n++) {
      const waiting = session.waitFor(Greeted, { timeout: 1000 })
      const stream = session.events(Greeted)
      session.publish(Greeted, { name: 'Ada' })
      got.push(await waiting, await stream.next())
      await stream.return()
    }
    expect(got).toHaveLength(200)
    expect(clock.pending).toBe(0)
    expect((await session.publish(Greeted, { name: 'Ada' }).settled).delivered).toBe(0)
    session.dispose()
  })

  test('ends at the end of its using block', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    {
      using session = bus.session('s1')
      session.on(Greeted, ({ name }) => void heard.push(name))
    }
    await bus.session('s1').publish(Greeted, { name: 'Ada' }).settled

    expect(heard).toEqual([])
  })

  test('still passes the end of the bus on to what runs in it', async () => {
    const bus = new MessageBus()
    const Wait = defineCommand('time.wait', { input: z.object({}), output: z.string() })
    bus.handle(
      Wait,
      (_, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
    )
    const session = bus.session('s1', { signal: new AbortController().signal })
    const waiting = rejection(session.execute(Wait, {}))
    session.dispose()
    const report = await bus.stop({ deadline: 0 })

    expect(await waiting).toMatchObject({ code: 'CANCELLED' })
    expect(report).toEqual({ completed: 1, abandoned: [], timedOut: true })
  })
})

test('an id that is empty, or none at all, is refused: its session would be the whole bus', async () => {
  const bus = new MessageBus()
  const refused = { code: 'INVALID_SESSION_ID' }

  expect(thrownBy(() => bus.session(''))).toMatchObject(refused)
  // @ts-expect-error: JavaScript passes it
  expect(thrownBy(() => bus.session(undefined))).toMatchObject(refused)
  // @ts-expect-error: JavaScript passes it
  expect(thrownBy(() => bus.session(42))).toMatchObject(refused)
  expect(await rejection(bus.track(() => 1, { session: '' }))).toMatchObject(refused)
})

test('a thousand sessions leave nothing behind: no handler, no subscriber, no listener on a signal', async () => {
  const script = new URL('./fixtures/opens-sessions.ts', import.meta.url)

  expect(await runScript(script, { nodeOptions: ['--expose-gc'] })).toEqual({
    code: 0,
    signal: null,
    stdout: '{"opened":1000,"stillInMemory":0,"heard":0,"abortListeners":0}\n',
    stderr: '',
  })
})
