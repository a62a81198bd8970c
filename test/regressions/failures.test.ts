// Failures that earlier systems swallowed, or that took others along. The rows are those of the mission.
import { circuitBreaker, DeliveryFailed, MessageBus } from 'busline'
import { describe, expect, test } from 'vitest'
import { Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { idle, rejection } from '../bus/fixtures/promises.ts'
import { recordedBus, recordsOf } from '../bus/fixtures/recorded-bus.ts'
import { clockedBus } from '../policies/fixtures/clocked-bus.ts'

const no = (): never => {
  throw new Error('no')
}

describe('G9, LLMgine: a circuit breaker that never opened', () => {
  test('a circuit breaker opens on failing results, and then nothing is called', async () => {
    const { bus } = clockedBus()
    let calls = 0
    bus.use(circuitBreaker({ failures: 3 }), { for: [Greet] })
    bus.handle(Greet, () => {
      calls++
      throw new Error('no')
    })
    for (let n = 0; n < 3; n++) await rejection(bus.execute(Greet, { name: 'Ada' }))

    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toMatchObject({ code: 'CIRCUIT_OPEN' })
    expect(calls).toBe(3)
  })
})

describe('G9: bounded queues, retries, dead letters', () => {
  test('a full queue refuses and never hangs, also for a publisher inside a delivery', async () => {
    const bus = new MessageBus()
    const refused: unknown[] = []
    bus.on(
      Greeted,
      async ({ name }, scope) => {
        if (name !== 'first') return
        for (let n = 0; n < 3; n++)
          await scope
            .publish(Greeted, { name: 'more' })
            .accepted.catch((error: unknown) => refused.push(error))
      },
      { mailbox: { capacity: 1, overflow: 'wait' } },
    )
    await bus.publish(Greeted, { name: 'first' }).settled

    expect(refused).toMatchObject([{ code: 'MAILBOX_FULL' }, { code: 'MAILBOX_FULL' }])
  })

  test('a retry waits longer each time, with jitter, and only as often as it was told', async () => {
    const { bus, clock } = clockedBus()
    const times: number[] = []
    bus.on(
      Greeted,
      () => {
        times.push(clock.now() - 1000)
        no()
      },
      { retry: { attempts: 4, delay: 100 } },
    )
    bus.publish(Greeted, { name: 'Ada' })
    await clock.advance(10_000)

    // Half of 100, 200 and 400, because every random number is 0.5.
    expect(times).toEqual([0, 50, 150, 350])
  })

  test('a retry that waits begins nothing any more when its subscriber has left', async () => {
    const { bus, clock } = clockedBus()
    let calls = 0
    const off = bus.on(
      Greeted,
      () => {
        calls++
        no()
      },
      { retry: 3 },
    )
    bus.publish(Greeted, { name: 'Ada' })
    await clock.advance(0)
    off()
    await clock.advance(10_000)

    expect(calls).toBe(1)
    expect(clock.pending).toBe(0)
  })

  test('a full dead-letter queue blocks nobody', async () => {
    const bus = new MessageBus({ deadLetters: { capacity: 1 } })
    const heard: string[] = []
    bus.on(Greeted, no)
    bus.on(Greeted, ({ name }) => void heard.push(name))
    for (const name of ['Ada', 'Bob', 'Cyd']) bus.publish(Greeted, { name })

    expect(await bus.stop()).toMatchObject({ completed: 6, timedOut: false })
    expect(heard).toEqual(['Ada', 'Bob', 'Cyd'])
    expect(bus.deadLetters.size).toBe(1)
  })
})

describe('row 40, OpenBrain: a dead-letter queue that was not in the code', () => {
  test('a failed delivery is kept with payload, error and attempts; a retry after the fix succeeds once', async () => {
    const bus = new MessageBus()
    const received: string[] = []
    let broken = true
    bus.on(Greeted, ({ name }) => (broken ? no() : void received.push(name)), { name: 'crm' })
    await bus.publish(Greeted, { name: 'Ada' }).settled
    const [letter] = bus.deadLetters.list()
    expect(letter).toMatchObject({
      data: { name: 'Ada' },
      subscriber: 'crm',
      attempts: 1,
      error: { message: 'no' },
    })

    broken = false
    expect(await bus.deadLetters.redrive(letter?.id ?? '')).toEqual({ delivered: 1, failed: 0 })
    expect(received).toEqual(['Ada'])
    expect(bus.deadLetters.size).toBe(0)
  })

  test('a letter can be discarded', async () => {
    const bus = new MessageBus()
    bus.on(Greeted, no)
    await bus.publish(Greeted, { name: 'Ada' }).settled
    const [letter] = bus.deadLetters.list()

    expect(bus.deadLetters.discard(letter?.id ?? '')).toBe(true)
    expect(bus.deadLetters.size).toBe(0)
  })
})

describe('row 25: a delivery that fails is retried, never lost', () => {
  test('a subscriber that fails once gets the event again, and others get it once', async () => {
    const { bus, clock } = clockedBus()
    const heard: string[] = []
    let attempts = 0
    bus.on(Greeted, () => void (++attempts === 1 ? no() : heard.push('the failing one')), { retry: 2 })
    bus.on(Greeted, () => void heard.push('another'))
    bus.publish(Greeted, { name: 'Ada' })
    await clock.advance(1000)

    expect(heard).toEqual(['another', 'the failing one'])
  })
})

describe('row 13: one subscriber hears of every failure, with its session', () => {
  test('a failure in any session is told with session and subscriber', async () => {
    const bus = new MessageBus()
    const failures: unknown[] = []
    bus.on(DeliveryFailed, ({ subscriber }, { session }) => void failures.push([session, subscriber]))
    bus.on(Greeted, no, { name: 'on the bus' })
    const session = bus.session('s1')
    session.on(Greeted, no, { name: 'in the session' })
    session.publish(Greeted, { name: 'Ada' })
    bus.publish(Greeted, { name: 'Bob' })
    await idle()

    expect(failures).toEqual([
      ['s1', 'on the bus'],
      ['s1', 'in the session'],
      [undefined, 'on the bus'],
    ])
  })

  test('a failure that itself can not be recorded takes nobody along', async () => {
    const { bus, journal } = recordedBus()
    bus.on(Greeted, (data) => {
      Object.assign(data, { count: 1n })
      no()
    })
    bus.on(Greeted, () => undefined)

    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 1, failed: 1 })
    expect(recordsOf(journal, 'note', 'bus.deadLettered')).toMatchObject([{ error: { code: 'NOT_JSON' } }])
  })
})

describe('pix:e: fields that were ignored, and success when everything failed', () => {
  test('row 65: a timeout is kept, and the handler is told by its signal', async () => {
    const { bus, clock } = clockedBus()
    let aborted = false
    bus.handle(Greet, async (_, { signal }) => {
      signal.addEventListener('abort', () => (aborted = true))
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw signal.reason
    })
    const outcome = rejection(bus.execute(Greet, { name: 'Ada' }, { timeout: 50 }))
    await clock.advance(50)

    expect(await outcome).toMatchObject({ code: 'TIMED_OUT' })
    expect(aborted).toBe(true)
  })

  test('row 2: a command resolves to its result or rejects, and never does neither', async () => {
    const bus = new MessageBus()
    bus.handle(Greet, ({ name }) => (name === 'Ada' ? 'hello' : no()))
    const names = ['Ada', 'Bob', '']
    const outcomes = await Promise.allSettled(names.map((name) => bus.execute(Greet, { name })))

    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  })
})
