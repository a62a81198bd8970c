import { describe, expect, test } from 'vitest'
import { Greet, Greeted, Moved } from './fixtures/greeting.ts'
import { deferred, idle } from './fixtures/promises.ts'
import { recordedBus } from './fixtures/recorded-bus.ts'

describe('inspect', () => {
  test('shows a bus that does nothing', () => {
    const { bus } = recordedBus()
    expect(bus.inspect()).toEqual({ state: 'running', running: [], delivering: 0, queued: [] })
  })

  test('names the commands that run, with their handler and since when', async () => {
    const { bus } = recordedBus()
    const greeting = deferred<string>()
    bus.handle(Greet, function greet() {
      return greeting.promise
    })
    const greeted = bus.session('s1').execute(Greet, { name: 'Ada' })

    expect(bus.inspect().running).toEqual([
      { id: 'run-1', type: 'people.greet', session: 's1', since: 1000, by: 'greet' },
    ])
    greeting.resolve('hello')
    await greeted
    expect(bus.inspect().running).toEqual([])
  })

  test('counts what waits for a subscriber, over all keys, whether it has its own mailbox or not', async () => {
    const { bus } = recordedBus()
    const going = deferred()
    bus.on(Moved, () => going.promise, { name: 'plain' })
    bus.on(Moved, () => going.promise, { name: 'counted', mailbox: { capacity: 5, overflow: 'reject' } })
    bus.on(Moved, () => undefined, { name: 'quick' })
    bus.on(Greeted, () => going.promise, { name: 'idle' })
    for (let n = 0; n < 3; n++) for (const key of ['a', 'b']) bus.publish(Moved, { key, n })

    expect(bus.inspect()).toMatchObject({
      delivering: 0,
      queued: [
        { subscriber: 'plain', waiting: 6 },
        { subscriber: 'counted', waiting: 6 },
        { subscriber: 'quick', waiting: 6 },
      ],
    })
    await idle()
    expect(bus.inspect()).toMatchObject({
      delivering: 4,
      queued: [
        { subscriber: 'plain', waiting: 4 },
        { subscriber: 'counted', waiting: 4 },
      ],
    })
    going.resolve()
    await idle()
    expect(bus.inspect()).toMatchObject({ delivering: 0, queued: [] })
  })

  test('is a copy, and participants have it too', async () => {
    const { bus } = recordedBus()
    const before = bus.inspect()
    let seen: unknown
    bus.attach((view) => {
      seen = view.inspect().state
    })
    await bus.stop()

    expect(seen).toBe('running')
    expect(before.state).toBe('running')
    expect(bus.inspect().state).toBe('stopped')
  })
})
