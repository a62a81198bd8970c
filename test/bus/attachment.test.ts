import { MessageBus, type Bus } from 'busline'
import { virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Carry, Greet, Greeted, Pay } from './fixtures/greeting.ts'
import { deferred, idle, rejection, thrownBy } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

describe('a participant', () => {
  test('registers handlers, subscribers, middleware and taps, and sends, through the bus that it is given', async () => {
    const bus = new MessageBus({ newId: () => 'run', now: () => 1000 })
    const story: string[] = []
    let view: Bus | undefined
    bus.attach((given) => {
      view = given
      given.handle(Greet, ({ name }) => name)
      given.on(Greeted, ({ name }) => void story.push(`hears ${name}`))
      given.use((message, next) => {
        story.push(`around ${message.type}`)
        return next()
      })
      given.tap(({ kind }) => void story.push(`taps ${kind}`))
      given.secret('sk-0123456789')
    })

    expect(await view?.execute(Greet, { name: 'Ada' })).toBe('Ada')
    await view?.publish(Greeted, { name: 'Bob' }).settled
    expect(story).toEqual([
      'taps command',
      'around people.greet',
      'taps result',
      'taps event',
      'around people.greeted',
      'hears Bob',
    ])
    expect(view?.redact('sk-0123456789')).toBe('[secret]')
    expect([view?.now(), view?.newId()]).toEqual([1000, 'run'])
  })

  test('that is taken back takes along what it registered on sessions', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    const off = bus.attach((view) => {
      const session = view.session('s1')
      session.handle(Greet, () => 'hello')
      session.on(Greeted, ({ name }) => void heard.push(name))
    })
    const session = bus.session('s1')
    await session.publish(Greeted, { name: 'Ada' }).settled
    off()
    await session.publish(Greeted, { name: 'Bob' }).settled

    expect(heard).toEqual(['Ada'])
    expect(await rejection(session.execute(Greet, { name: 'Ada' }))).toMatchObject({ code: 'NO_HANDLER' })
  })

  test('that is taken back takes everything along that it registered, later registrations included', async () => {
    const bus = new MessageBus()
    const story: string[] = []
    let view: Bus | undefined
    const off = bus.attach((given) => {
      view = given
      given.handle(Greet, ({ name }) => name)
      given.on(Greeted, () => void story.push('heard'))
      given.use((_, next) => {
        story.push('around')
        return next()
      })
      given.tap(() => void story.push('tapped'))
      given.attach((inner) => void inner.handle(Carry, () => 1))
    })
    view?.handle(Pay, () => 'paid')
    off()
    off()

    await bus.publish(Greeted, { name: 'Ada' }).settled
    const errors = await Promise.all([
      rejection(bus.execute(Greet, { name: 'Ada' })),
      rejection(bus.execute(Carry, 1)),
      rejection(bus.execute(Pay, { amount: 1 })),
    ])
    expect(errors).toMatchObject([{ code: 'NO_HANDLER' }, { code: 'NO_HANDLER' }, { code: 'NO_HANDLER' }])
    expect(story).toEqual([])
  })

  test('that is taken back takes along also its waits, streams, timers and probes, but not what it scheduled', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const story: string[] = []
    const ends: Promise<unknown>[] = []
    const scheduling: Promise<unknown>[] = []
    const off = bus.attach((view) => {
      ends.push(rejection(view.waitFor(Greeted, { timeout: 50 })), view.events(Greeted).next())
      view.after(5, () => story.push('timer'))
      view.probe({ deliveryEnded: () => void story.push('probed') })
      scheduling.push(view.schedule(Greeted, { name: 'Ada' }, { after: 10 }))
    })
    await Promise.all(scheduling)
    off()
    expect(await Promise.all(ends)).toMatchObject([
      { code: 'SCOPE_DISPOSED' },
      { done: true, value: undefined },
    ])
    bus.on(Greeted, ({ name }) => void story.push(`hears ${name}`))
    await clock.advance(100)

    expect(story).toEqual(['hears Ada'])
    expect(clock.pending).toBe(0)
  })

  test('that was taken back gets nothing of it any more: no wait, no stream, no timer, no probe', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    let view: Bus | undefined
    bus.attach((given) => {
      view = given
    })()
    view?.after(5, () => undefined)
    view?.probe({})

    expect(await rejection(view?.waitFor(Greeted, { timeout: 5 }) ?? Promise.resolve())).toMatchObject({
      code: 'SCOPE_DISPOSED',
    })
    expect(await view?.events(Greeted).next()).toEqual({ done: true, value: undefined })
    expect(clock.pending).toBe(0)
    expect((await bus.publish(Greeted, { name: 'Ada' }).settled).delivered).toBe(0)
  })

  test('sees the dead letters, schedules and definitions of its bus', async () => {
    const bus = new MessageBus()
    let view: Bus | undefined
    bus.attach((given) => {
      view = given
      given.handle(Greet, ({ name }) => name)
    })

    expect(view?.deadLetters).toBe(bus.deadLetters)
    expect(view?.schedules).toBe(bus.schedules)
    expect(view?.definition('people.greet')).toBe(Greet)
  })

  test('cleans up first, with its handlers still there', async () => {
    const bus = new MessageBus()
    const answers: string[] = []
    const off = bus.attach((view) => {
      view.handle(Greet, ({ name }) => name)
      return async () => void answers.push(await view.execute(Greet, { name: 'Ada' }))
    })
    off()
    await idle()

    expect(answers).toEqual(['Ada'])
  })

  test('cleans up once, however often it is taken back, and not again when the bus stops', async () => {
    const bus = new MessageBus()
    let cleanups = 0
    const off = bus.attach(() => () => void cleanups++)
    off()
    off()
    await bus.stop()

    expect(cleanups).toBe(1)
  })

  test('that throws leaves nothing behind, and attach throws its error', async () => {
    const bus = new MessageBus()
    const broken = new Error('no')
    const attaching = (): unknown =>
      bus.attach((view) => {
        view.handle(Greet, () => '')
        throw broken
      })

    expect(thrownBy(attaching)).toBe(broken)
    await expect(bus.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({ code: 'NO_HANDLER' })
  })

  test.each([
    [
      'at once',
      (): void => {
        throw new Error('no')
      },
    ],
    ['later', (): Promise<void> => Promise.reject(new Error('no'))],
  ])('whose cleanup fails %s is gone all the same, and the journal tells', async (_, cleanup) => {
    const { bus, journal } = recordedBus()
    const off = bus.attach((view) => {
      view.handle(Greet, () => '')
      return cleanup
    })
    off()
    await idle()

    await expect(bus.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({ code: 'NO_HANDLER' })
    expect(recordsOf(journal, 'note', 'bus.detachFailed')).toMatchObject([
      { data: { error: { message: 'no' } } },
    ])
  })
})

describe('a participant that joins slowly', () => {
  test('is awaited by a command that has no handler yet', async () => {
    const bus = new MessageBus()
    const connected = deferred()
    bus.attach(async (view) => {
      await connected.promise
      view.handle(Greet, ({ name }) => name)
    })
    const greeting = bus.execute(Greet, { name: 'Ada' })
    await idle()
    connected.resolve()

    expect(await greeting).toBe('Ada')
  })

  test('is not awaited by a command that has one', async () => {
    const bus = new MessageBus()
    bus.attach(() => new Promise(() => undefined))
    bus.handle(Greet, ({ name }) => name)

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('Ada')
  })

  test('and fails leaves nothing behind; its error is the cause of NO_HANDLER, and noted', async () => {
    const { bus, journal } = recordedBus()
    const broken = new Error('no server')
    bus.attach(async (view) => {
      view.handle(Greet, () => '')
      await idle(1)
      throw broken
    })
    const missing = rejection(bus.execute(Carry, 1))
    await idle()

    expect(await missing).toMatchObject({ code: 'NO_HANDLER', cause: broken })
    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toMatchObject({
      code: 'NO_HANDLER',
      cause: broken,
    })
    expect(recordsOf(journal, 'note', 'bus.attachFailed')).toMatchObject([
      { data: { error: { message: 'no server' } } },
    ])
  })

  test('and never arrives does not keep a command from its timeout', async () => {
    const { bus, journal } = recordedBus()
    bus.attach(() => new Promise(() => undefined))

    await expect(bus.execute(Greet, { name: 'Ada' }, { timeout: 5 })).rejects.toMatchObject({
      code: 'TIMED_OUT',
    })
    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'timeout' }])
  })

  test('and never arrives does not keep commands from ending when the bus stops', async () => {
    const { bus, journal } = recordedBus()
    bus.attach(() => new Promise(() => undefined))
    const greeting = rejection(bus.execute(Greet, { name: 'Ada' }))
    const report = await bus.stop({ deadline: 0 })

    expect(await greeting).toMatchObject({ code: 'ABANDONED' })
    expect(report).toMatchObject({ abandoned: [{ type: 'people.greet' }], timedOut: true })
    expect(recordsOf(journal, 'result')).toHaveLength(1)
  })

  test('may use the handler that another one brings while it joins', async () => {
    const bus = new MessageBus()
    const answers: unknown[] = []
    bus.attach(async (view) => {
      await idle(1)
      answers.push(
        await view.execute(Greet, { name: 'Ada' }, { timeout: 50 }).catch((error: unknown) => error),
      )
    })
    bus.attach(async (view) => {
      await idle(2)
      view.handle(Greet, ({ name }) => name)
    })
    // Waits until both have joined.
    await rejection(bus.execute(Carry, 1))

    expect(answers).toEqual(['Ada'])
  })

  test('gets NO_HANDLER for a command that nobody could bring but itself, instead of waiting for itself', async () => {
    const bus = new MessageBus()
    const errors: unknown[] = []
    bus.attach(async (view) => {
      await idle(1)
      errors.push(await rejection(view.execute(Greet, { name: 'Ada' }, { timeout: 50 })))
    })
    await rejection(bus.execute(Carry, 1))

    expect(errors).toMatchObject([{ code: 'NO_HANDLER' }])
  })

  test('does not wait for itself with its very first statement either, while another one joins', async () => {
    const bus = new MessageBus()
    const errors: unknown[] = []
    bus.attach(() => idle(1))
    bus.attach(async (view) => {
      errors.push(await rejection(view.execute(Greet, { name: 'Ada' }, { timeout: 50 })))
    })
    await rejection(bus.execute(Carry, 1))

    expect(errors).toMatchObject([{ code: 'NO_HANDLER' }])
  })

  test('does not wait for itself through the handler of a command that it executes', async () => {
    const bus = new MessageBus()
    const errors: unknown[] = []
    bus.handle(Pay, (_, scope) => scope.execute(Greet, { name: 'Ada' }))
    bus.attach(async (view) => {
      await idle(1)
      errors.push(await rejection(view.execute(Pay, { amount: 1 }, { timeout: 50 })))
    })
    await rejection(bus.execute(Carry, 1))

    expect(errors).toMatchObject([{ code: 'NO_HANDLER' }])
  })

  test('does not wait for itself with one of two commands when the other has got its handler', async () => {
    const bus = new MessageBus()
    const outcomes: unknown[] = []
    bus.attach(async (view) => {
      await idle(3)
      view.handle(Carry, (input) => input)
    })
    bus.attach(async (view) => {
      await idle(1)
      const carrying = view.execute(Carry, 1, { timeout: 50 })
      const missing = rejection(view.execute(Greet, { name: 'Ada' }, { timeout: 50 }))
      outcomes.push(await carrying, await missing)
    })
    await rejection(bus.execute(Pay, { amount: 1 }))

    expect(outcomes).toMatchObject([1, { code: 'NO_HANDLER' }])
  })

  test('and was taken back meanwhile registers nothing any more, and cleans up when it arrives', async () => {
    const bus = new MessageBus()
    const connected = deferred()
    let cleanups = 0
    const off = bus.attach(async (view) => {
      await connected.promise
      view.handle(Greet, () => '')
      return () => void cleanups++
    })
    off()
    connected.resolve()
    await idle()

    await expect(bus.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({ code: 'NO_HANDLER' })
    expect(cleanups).toBe(1)
  })
})
