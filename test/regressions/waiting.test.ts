// What earlier systems waited for, and should not have. The rows are those of the mission.
import { defineEvent, MessageBus } from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Carry, Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { deferred, idle, rejection } from '../bus/fixtures/promises.ts'

const Deeper = defineEvent('depth.reached', { data: z.object({ depth: z.number() }) })

describe('G3, LLMgine: publishing and executing from inside a handler returns', () => {
  test('an awaited publish inside a delivery does not deadlock', async () => {
    const bus = new MessageBus()
    const heard: number[] = []
    bus.on(Deeper, ({ depth }) => void heard.push(depth))
    bus.on(Greeted, async (_, scope) => {
      await scope.publish(Deeper, { depth: 1 }).settled
      heard.push(2)
    })
    await bus.publish(Greeted, { name: 'Ada' }).settled

    expect(heard).toEqual([1, 2])
  })

  test('events published a hundred deep all arrive, each from inside the delivery of the one before', async () => {
    const bus = new MessageBus()
    const heard: number[] = []
    bus.on(Deeper, async ({ depth }, scope) => {
      await Promise.resolve()
      heard.push(depth)
      if (depth < 100) scope.publish(Deeper, { depth: depth + 1 })
    })
    await bus.track((sender) => sender.publish(Deeper, { depth: 1 }))

    expect(heard).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
  })

  test('a handler that awaits an event, whose subscriber awaits a command, gets its answer', async () => {
    const bus = new MessageBus()
    const answers: unknown[] = []
    bus.handle(Carry, (input) => input)
    bus.on(Greeted, async ({ name }, scope) => void answers.push(await scope.execute(Carry, name)))
    bus.handle(Greet, async ({ name }, scope) => {
      await scope.publish(Greeted, { name }).settled
      return `greeted ${String(answers[0])}`
    })

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('greeted Ada')
  })

  test('what can never end is an error at once, not a hang', async () => {
    const bus = new MessageBus()
    const errors: unknown[] = []
    bus.on(Deeper, async ({ depth }, scope) => {
      if (depth > 1) return
      errors.push(await rejection((async () => scope.publish(Deeper, { depth: 2 }).settled)()))
    })
    await bus.track((sender) => sender.publish(Deeper, { depth: 1 }))

    expect(errors).toMatchObject([{ code: 'SELF_WAIT' }])
  })
})

describe('G3: nothing waits for unrelated work', () => {
  test('a stuck subscriber of one session delays another session by nothing', async () => {
    const bus = new MessageBus()
    const stuck = deferred()
    const heard: (string | undefined)[] = []
    bus.on(Greeted, (_, { session }) => {
      heard.push(session)
      return session === 'a' ? stuck.promise : undefined
    })
    for (const session of ['a', 'a', 'b', 'b']) bus.session(session).publish(Greeted, { name: 'Ada' })
    await idle()

    expect(heard).toEqual(['a', 'b', 'b'])
    stuck.resolve()
  })

  test('awaiting an event waits for its own deliveries only', async () => {
    const bus = new MessageBus()
    bus.on(Greeted, () => new Promise(() => undefined))
    bus.on(Deeper, () => undefined)
    bus.publish(Greeted, { name: 'Ada' })

    expect(await bus.publish(Deeper, { depth: 1 }).settled).toMatchObject({ delivered: 1 })
  })

  test('awaited events come faster than the 93 a second of LLMgine: ten thousand within ten seconds', async () => {
    const bus = new MessageBus()
    let heard = 0
    bus.on(Deeper, async () => void heard++)
    const start = performance.now()
    for (let depth = 0; depth < 10_000; depth++) await bus.publish(Deeper, { depth }).settled

    expect(heard).toBe(10_000)
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})
