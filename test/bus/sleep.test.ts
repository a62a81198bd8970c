import { virtualClock } from 'busline/testing'
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { Carry, Greeted } from './fixtures/greeting.ts'
import { idle, rejection } from './fixtures/promises.ts'
import { recordedBus } from './fixtures/recorded-bus.ts'

describe('scope.sleep', () => {
  test('resolves after that long of the clock of the bus, and leaves nothing on the signal', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const listeners: number[] = []
    bus.handle(Carry, async (_, scope) => {
      await scope.sleep(50)
      listeners.push(getEventListeners(scope.signal, 'abort').length)
      return clock.now()
    })
    const carrying = bus.execute(Carry, 1)
    await clock.advance(1000)

    expect(await carrying).toBe(1050)
    expect(listeners).toEqual([0])
  })

  test('rejects with TIMED_OUT as soon as the command times out, and its timer is gone', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const woken: unknown[] = []
    bus.handle(Carry, async (_, scope) => {
      woken.push(await rejection(scope.sleep(5000)), clock.now())
      return 'cleaned up'
    })
    const carrying = bus.execute(Carry, 1, { timeout: 50 })
    await clock.advance(50)

    expect(await carrying).toBe('cleaned up')
    expect(woken).toMatchObject([{ code: 'TIMED_OUT' }, 1050])
    expect(clock.pending).toBe(0)
  })

  test('rejects with the reason of an abort, at once when it was before', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const controller = new AbortController()
    const errors: unknown[] = []
    bus.handle(Carry, async (_, scope) => {
      errors.push(await rejection(scope.sleep(5000)))
      errors.push(await rejection(scope.sleep(5000)))
      return 1
    })
    const carrying = bus.execute(Carry, 1, { signal: controller.signal })
    controller.abort(new Error('the user left'))
    await carrying

    expect(errors).toMatchObject([{ code: 'CANCELLED' }, { code: 'CANCELLED' }])
    expect(clock.pending).toBe(0)
  })

  test('in a delivery rejects when a stopping bus gives up on it', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const errors: unknown[] = []
    bus.on(Greeted, async (_, scope) => {
      errors.push(await rejection(scope.sleep(60_000)))
    })
    bus.publish(Greeted, { name: 'Ada' })
    const stopping = bus.stop({ deadline: 100 })
    await clock.advance(100)

    expect(await stopping).toEqual({ completed: 1, abandoned: [], timedOut: true })
    expect(errors).toMatchObject([{ code: 'CANCELLED' }])
    expect(clock.pending).toBe(0)
  })

  test('is waited for by a stop whose deadline it meets', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    bus.handle(Carry, (_, scope) => scope.sleep(50))
    const carrying = bus.execute(Carry, 1)
    const stopping = bus.stop({ deadline: 100 })
    await clock.advance(50)

    expect(await carrying).toBeUndefined()
    expect(await stopping).toEqual({ completed: 1, abandoned: [], timedOut: false })
  })

  test('dropped by a handler that has ended wakes up without harm', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    bus.handle(Carry, (_, scope) => {
      void scope.sleep(50)
      return 1
    })
    await bus.execute(Carry, 1)
    await clock.advance(50)
    await idle()

    expect(clock.pending).toBe(0)
  })
})
