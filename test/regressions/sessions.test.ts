// Where sessions of earlier systems mixed, or lost what they were given. The rows are those of the mission.
import { MessageBus } from 'busline'
import { describe, expect, test } from 'vitest'
import { Carry, Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { deferred, idle, rejection } from '../bus/fixtures/promises.ts'
import { recordedBus } from '../bus/fixtures/recorded-bus.ts'

describe('G2, LLMgine: sessions that hear each other, or never leave', () => {
  test('two sessions on two buses in one process hear their own events and no others', async () => {
    const heard: string[] = []
    const buses = [new MessageBus(), new MessageBus()]
    const places = buses.flatMap((bus, n) =>
      ['a', 'b'].map((id) => ({ name: `${id}${n}`, session: bus.session(id) })),
    )
    for (const { name, session } of places)
      session.on(Greeted, (data) => void heard.push(`${name} hears ${data.name}`))
    for (const { name, session } of places) session.publish(Greeted, { name })
    await idle()

    expect(heard.toSorted()).toEqual(['a0', 'a1', 'b0', 'b1'].map((name) => `${name} hears ${name}`))
  })

  test('a subscriber of the bus hears all sessions', async () => {
    const bus = new MessageBus()
    const heard: (string | undefined)[] = []
    bus.on(Greeted, (_, { session }) => void heard.push(session))
    for (const id of ['a', 'b']) bus.session(id).publish(Greeted, { name: 'Ada' })
    bus.publish(Greeted, { name: 'Ada' })
    await idle()

    expect(heard).toEqual(['a', 'b', undefined])
  })

  test('everything of a session is gone when it ends: handlers, subscribers, waits and iterators', async () => {
    const bus = new MessageBus()
    const session = bus.session('s1')
    session.handle(Greet, () => 'hello')
    session.on(Greeted, () => undefined)
    const waiting = rejection(session.waitFor(Greeted))
    const events = session.events(Greeted)
    session.dispose()
    const next = bus.session('s1')

    expect(await waiting).toMatchObject({ code: 'SCOPE_DISPOSED' })
    expect(await events.next()).toMatchObject({ done: true })
    expect(await rejection(next.execute(Greet, { name: 'Ada' }))).toMatchObject({ code: 'NO_HANDLER' })
    expect(await next.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 0, skipped: 0 })
  })
})

describe('row 6, LOFT: a first message lost in 28 of 30 trials', () => {
  test('a first message is not lost: a command waits for a participant that is still joining', async () => {
    const bus = new MessageBus()
    const loaded = deferred()
    bus.attach(async (view) => {
      await loaded.promise
      view.handle(Greet, ({ name }) => `hello ${name}`)
    })
    const greetings = ['Ada', 'Bob'].map((name) => bus.session('s1').execute(Greet, { name }))
    loaded.resolve()

    expect(await Promise.all(greetings)).toEqual(['hello Ada', 'hello Bob'])
  })

  test('two simultaneous first messages of a session both arrive, thirty of thirty times', async () => {
    for (let trial = 0; trial < 30; trial++) {
      const bus = new MessageBus()
      const heard: string[] = []
      bus.on(Greeted, async ({ name }) => {
        await Promise.resolve()
        heard.push(name)
      })
      for (const name of ['first', 'second']) bus.session('new').publish(Greeted, { name })
      await bus.stop()

      expect(heard).toEqual(['first', 'second'])
    }
  })
})

describe('row 42, OpenBrain: hidden context', () => {
  test('what a caller gives as context reaches every command below, and not the journal', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Carry, (_, { context }) => context['user'] === 'canary')
    bus.handle(Greet, async ({ name }, scope) => String(await scope.execute(Carry, name)))

    expect(await bus.execute(Greet, { name: 'Ada' }, { context: { user: 'canary' } })).toBe('true')
    expect(journal.lines.join('\n')).not.toContain('canary')
  })
})
