import { getEventListeners } from 'node:events'
import { BuslineError, MessageBus } from 'busline'
import { virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Greet, Greeted, Moved } from './fixtures/greeting.ts'
import { idle, rejection } from './fixtures/promises.ts'
import { recordedBus } from './fixtures/recorded-bus.ts'
import { runScript } from './fixtures/run-script.ts'

describe('waitFor', () => {
  test('resolves to the data of the next event of its type, and to no earlier or later one', async () => {
    const bus = new MessageBus()
    bus.publish(Greeted, { name: 'before' })
    const waiting = bus.waitFor(Greeted)
    bus.publish(Moved, { key: 'a', n: 1 })
    bus.publish(Greeted, { name: 'Ada' })
    bus.publish(Greeted, { name: 'after' })

    expect(await waiting).toEqual({ name: 'Ada' })
  })

  test('resolves to the next one that fits', async () => {
    const bus = new MessageBus()
    const waiting = bus.waitFor(Moved, { where: ({ n }) => n > 1 })
    for (const n of [1, 2, 3]) bus.publish(Moved, { key: 'a', n })

    expect(await waiting).toEqual({ key: 'a', n: 2 })
  })

  test('in a session hears only that session', async () => {
    const bus = new MessageBus()
    using session = bus.session('s1')
    const waiting = session.waitFor(Greeted)
    bus.publish(Greeted, { name: 'outside' })
    session.publish(Greeted, { name: 'inside' })

    expect(await waiting).toEqual({ name: 'inside' })
  })

  test('twice at once is two waits for the same event', async () => {
    const bus = new MessageBus()
    const both = Promise.all([bus.waitFor(Greeted), bus.waitFor(Greeted)])
    bus.publish(Greeted, { name: 'Ada' })

    expect(await both).toEqual([{ name: 'Ada' }, { name: 'Ada' }])
  })

  test('rejects with TIMED_OUT when none that fits came in time', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const waiting = rejection(bus.waitFor(Greeted, { timeout: 50, where: ({ name }) => name === 'Ada' }))
    bus.publish(Greeted, { name: 'Bob' })
    await clock.advance(50)

    expect(await waiting).toMatchObject({
      code: 'TIMED_OUT',
      message: expect.stringContaining('people.greeted'),
      data: { timeout: 50 },
    })
  })

  test('rejects with CANCELLED when its signal is aborted, and tells why', async () => {
    const bus = new MessageBus()
    const controller = new AbortController()
    const waiting = rejection(bus.waitFor(Greeted, { signal: controller.signal }))
    controller.abort(new Error('the user left'))

    expect(await waiting).toMatchObject({ code: 'CANCELLED', cause: { message: 'the user left' } })
  })

  test('rejects at once with CANCELLED when its signal was aborted before', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const signal = AbortSignal.abort()

    expect(await rejection(bus.waitFor(Greeted, { signal, timeout: 50 }))).toMatchObject({
      code: 'CANCELLED',
    })
    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 0 })
    expect(clock.pending).toBe(0)
  })

  test('rejects with what `where` throws, and the delivery is none that failed', async () => {
    const bus = new MessageBus()
    const broken = new Error('no')
    const waiting = rejection(
      bus.waitFor(Greeted, {
        where: () => {
          throw broken
        },
      }),
    )
    const receipt = bus.publish(Greeted, { name: 'Ada' })

    expect(await waiting).toBe(broken)
    expect(await receipt.settled).toMatchObject({ delivered: 1, failed: 0 })
    expect(bus.deadLetters.size).toBe(0)
  })

  test('rejects with BUS_STOPPED when the bus stops, and when it has', async () => {
    const bus = new MessageBus()
    const waiting = rejection(bus.waitFor(Greeted))
    await bus.stop()

    expect(await waiting).toMatchObject({ code: 'BUS_STOPPED' })
    expect(await rejection(bus.waitFor(Greeted))).toMatchObject({ code: 'BUS_STOPPED' })
  })

  test('still gets what running work publishes while the bus drains', async () => {
    const bus = new MessageBus()
    bus.handle(Greet, async ({ name }, scope) => {
      await idle()
      scope.publish(Greeted, { name })
      return name
    })
    const waiting = bus.waitFor(Greeted)
    void bus.execute(Greet, { name: 'Ada' })
    await bus.stop()

    expect(await waiting).toEqual({ name: 'Ada' })
  })

  test('rejects with SCOPE_DISPOSED when its session is disposed, and when it was', async () => {
    const bus = new MessageBus()
    const session = bus.session('s1')
    const waiting = rejection(session.waitFor(Greeted))
    session.dispose()

    expect(await waiting).toMatchObject({ code: 'SCOPE_DISPOSED' })
    expect(await rejection(session.waitFor(Greeted))).toMatchObject({ code: 'SCOPE_DISPOSED' })
  })

  test('rejects with SCOPE_DISPOSED when its participant is taken back, and when it was', async () => {
    const bus = new MessageBus()
    const errors: Promise<unknown>[] = []
    const off = bus.attach(async (view) => {
      errors.push(rejection(view.waitFor(Greeted)))
      await idle()
      errors.push(rejection(view.waitFor(Greeted)))
    })
    off()
    await idle()

    expect(await Promise.all(errors)).toMatchObject([{ code: 'SCOPE_DISPOSED' }, { code: 'SCOPE_DISPOSED' }])
  })

  test('of a command is NOT_AN_EVENT', async () => {
    const bus = new MessageBus()

    // @ts-expect-error -- events are waited for
    expect(await rejection(bus.waitFor(Greet))).toMatchObject({ code: 'NOT_AN_EVENT' })
  })
})

test('however a wait ends, nothing is left: no subscriber, no timer, no listener on the signal', async () => {
  const clock = virtualClock({ start: 1000 })
  const { bus } = recordedBus(clock)
  const controller = new AbortController()
  const { signal } = controller
  const options = { signal, timeout: 1000 }
  const session = bus.session('s1')
  let view: typeof bus | Parameters<Parameters<typeof bus.attach>[0]>[0] = bus
  const off = bus.attach((given) => {
    view = given
  })
  const failing = (): never => {
    throw new Error('no')
  }
  const waits = [
    bus.waitFor(Greeted, options),
    rejection(bus.waitFor(Greeted, { ...options, where: failing })),
    rejection(bus.waitFor(Greeted, { ...options, where: () => false, timeout: 5 })),
    rejection(session.waitFor(Greeted, options)),
    rejection(view.waitFor(Greeted, { ...options, where: () => false })),
  ]
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  session.dispose()
  off()
  bus.publish(Greeted, { name: 'Ada' })
  await clock.advance(5)
  await Promise.all(waits)

  expect(getEventListeners(signal, 'abort')).toEqual([])
  expect(clock.pending).toBe(0)
  expect(await bus.publish(Greeted, { name: 'Bob' }).settled).toEqual({
    delivered: 0,
    failed: 0,
    skipped: 0,
    dropped: 0,
  })

  const cancelled = rejection(bus.waitFor(Greeted, options))
  controller.abort()
  await cancelled
  expect(clock.pending).toBe(0)
  expect((await bus.publish(Greeted, { name: 'Bob' }).settled).delivered).toBe(0)
})

// A program often begins to wait, then does what makes the event come; when that fails, nobody is left who awaits.
test('a wait that its caller dropped crashes nothing, however it ends and whenever it began', async () => {
  const script = new URL('./fixtures/drops-waits.ts', import.meta.url)

  expect(await runScript(script)).toEqual({ code: 0, signal: null, stdout: 'still here\n', stderr: '' })
})

test('what a wait rejects with is a BuslineError, like everything that the bus refuses', async () => {
  const bus = new MessageBus()
  expect(await rejection(bus.waitFor(Greeted, { timeout: 1 }))).toBeInstanceOf(BuslineError)
})
