import { MessageBus } from 'busline'
import { virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Carry, Greet, Greeted, Moved, Pay } from './fixtures/greeting.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

describe('track', () => {
  test('resolves to the value of its work, and to what it caused, in the order of acceptance', async () => {
    const { bus } = recordedBus()
    bus.handle(Greet, async ({ name }, scope) => {
      scope.publish(Greeted, { name })
      await idle(1)
      return String(await scope.execute(Carry, name))
    })
    bus.handle(Carry, (input) => input)
    bus.on(Greeted, (_, scope) => void scope.publish(Moved, { key: 'a', n: 1 }))

    const { value, messages } = await bus.track((sender) => sender.execute(Greet, { name: 'Ada' }))
    expect(value).toBe('Ada')
    expect(messages.map(({ kind, type, id }) => `${kind} ${type} ${id}`)).toEqual([
      'command people.greet run-1',
      'event people.greeted run-1.1',
      'event things.moved run-1.1.1',
      'command things.carry run-1.2',
    ])
  })

  test('waits for deliveries, for what they cause at any depth, and for commands that nobody awaits', async () => {
    const bus = new MessageBus()
    const story: string[] = []
    bus.on(Greeted, async (_, scope) => {
      await idle(2)
      scope.publish(Moved, { key: 'a', n: 1 })
      story.push('greeted')
    })
    bus.on(Moved, async (_, scope) => {
      await idle(2)
      void scope.execute(Carry, 1)
      story.push('moved')
    })
    bus.handle(Carry, async () => {
      await idle(2)
      story.push('carried')
    })
    const { messages } = await bus.track((sender) => sender.publish(Greeted, { name: 'Ada' }))

    expect(story).toEqual(['greeted', 'moved', 'carried'])
    expect(messages).toHaveLength(3)
  })

  test('waits for what comes after what it waited for, when nobody awaits that either', async () => {
    const bus = new MessageBus()
    const story: string[] = []
    bus.handle(Carry, async (input) => {
      await idle(1)
      story.push(String(input))
    })
    bus.handle(Greet, ({ name }, scope) => {
      void scope.execute(Carry, 'first').then(() => scope.execute(Carry, 'second'))
      return name
    })
    await bus.track((sender) => sender.execute(Greet, { name: 'Ada' }))

    expect(story).toEqual(['first', 'second'])
  })

  test('waits for the attempts of a retried delivery', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus({ ...clock, random: () => 1 })
    let attempts = 0
    bus.on(
      Greeted,
      () => {
        if (++attempts < 3) throw new Error('not yet')
      },
      { retry: { attempts: 3, delay: 100 } },
    )
    let ended = false
    const tracking = bus
      .track((sender) => void sender.publish(Greeted, { name: 'Ada' }))
      .then(() => (ended = true))
    await clock.advance(299)
    expect([attempts, ended]).toEqual([2, false])
    await clock.advance(1)
    await tracking

    expect(attempts).toBe(3)
  })

  test('rejects as its work does, after all that it caused has ended', async () => {
    const bus = new MessageBus()
    const broken = new Error('no')
    const gate = deferred()
    let rejected = false
    bus.on(Greeted, () => gate.promise)
    bus.handle(Greet, ({ name }, scope) => {
      scope.publish(Greeted, { name })
      throw broken
    })
    const tracking = rejection(bus.track((sender) => sender.execute(Greet, { name: 'Ada' })))
    void tracking.then(() => (rejected = true))
    await idle()
    expect(rejected).toBe(false)
    gate.resolve()

    expect(await tracking).toBe(broken)
  })

  test('rejects with what its work throws at once, and with what the bus refuses', async () => {
    const bus = new MessageBus()
    const broken = new Error('no')
    const throwing = (): never => {
      throw broken
    }
    expect(await rejection(bus.track(throwing))).toBe(broken)
    expect(await rejection(bus.track((sender) => sender.execute(Greet, { name: '' })))).toMatchObject({
      code: 'VALIDATION_FAILED',
    })
    await bus.stop()
    expect(await rejection(bus.track((sender) => sender.execute(Greet, { name: 'Ada' })))).toMatchObject({
      code: 'BUS_STOPPED',
    })
  })

  test('twice at once does not mix: each waits for its own, and tells its own', async () => {
    const bus = new MessageBus()
    const gate = deferred()
    bus.on(Greeted, ({ name }) => (name === 'slow' ? gate.promise : undefined), {
      key: ({ id }) => id,
    })
    let slowEnded = false
    const slow = bus.track((sender) => sender.publish(Greeted, { name: 'slow' }))
    void slow.then(() => (slowEnded = true))
    const fast = await bus.track((sender) => sender.publish(Greeted, { name: 'fast' }))
    expect(fast.messages.map(({ id }) => id)).toEqual([fast.value.id])
    expect(slowEnded).toBe(false)
    gate.resolve()

    expect((await slow).messages.map(({ id }) => id)).toEqual([(await slow).value.id])
  })

  test('does not wait for what others send meanwhile', async () => {
    const bus = new MessageBus()
    bus.on(Greeted, () => new Promise(() => undefined))
    bus.publish(Greeted, { name: 'Ada' })
    bus.handle(Carry, (input) => input)

    expect((await bus.track((sender) => sender.execute(Carry, 1))).messages).toHaveLength(1)
    await bus.stop({ deadline: 0 })
  })

  test('does not wait for what a timer or a schedule sends later, though it belongs to the chain', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus, journal } = recordedBus(clock)
    bus.handle(Carry, (_, scope) => {
      bus.after(50, () => void scope.publish(Greeted, { name: 'later' }))
      return 1
    })
    const { messages } = await bus.track(async (sender) => {
      await sender.schedule(Greeted, { name: 'scheduled' }, { after: 50 })
      return sender.execute(Carry, 1)
    })
    expect(messages).toHaveLength(1)
    await clock.advance(50)

    expect(recordsOf(journal, 'event')).toHaveLength(2)
    expect(messages).toHaveLength(1)
  })

  test('tells what it has caused by then: what is redriven later is no part of it', async () => {
    const bus = new MessageBus()
    let broken = true
    bus.on(Greeted, () => {
      if (broken) throw new Error('no')
    })
    const { messages } = await bus.track((sender) => sender.publish(Greeted, { name: 'Ada' }).settled)
    const types = messages.map(({ type }) => type)
    broken = false
    for (const { id } of bus.deadLetters.list()) await bus.deadLetters.redrive(id)

    expect(messages.map(({ type }) => type)).toEqual(types)
  })

  test('of nothing resolves at once', async () => {
    expect(await new MessageBus().track(() => 5)).toEqual({ value: 5, messages: [] })
  })

  test('of an event that nobody hears resolves', async () => {
    const { messages } = await new MessageBus().track((sender) => sender.publish(Greeted, { name: 'Ada' }))

    expect(messages).toMatchObject([{ type: 'people.greeted' }])
  })

  test('in a session sends in it', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Pay, (_, scope) => String(scope.session))

    expect(await bus.track((sender) => sender.execute(Pay, { amount: 1 }), { session: 's1' })).toMatchObject({
      value: 's1',
      messages: [{ session: 's1' }],
    })
    expect(recordsOf(journal, 'command')).toMatchObject([{ session: 's1' }])
  })

  test('counts through middleware with limits of its own, cancelling and discarding', async () => {
    const bus = new MessageBus()
    bus.use((_, next) => next({ timeout: 1000 }))
    bus.handle(Greet, ({ name }, scope) => {
      scope.publish(Greeted, { name })
      return name
    })
    bus.handle(Carry, () => new Promise(() => undefined))
    const off = bus.on(Greeted, () => undefined)
    const controller = new AbortController()
    const { messages } = await bus.track(async (sender) => {
      await sender.execute(Greet, { name: 'Ada' })
      sender.publish(Greeted, { name: 'Bob' })
      off()
      const carrying = rejection(sender.execute(Carry, 1, { signal: controller.signal }))
      controller.abort()
      return carrying
    })

    expect(messages).toHaveLength(4)
  })

  test('keeps the first ten thousand messages, and waits for all', async () => {
    const bus = new MessageBus()
    let heard = 0
    bus.on(Moved, () => void heard++)
    bus.handle(Carry, async (_, scope) => {
      for (let n = 0; n < 12_000; n++) {
        scope.publish(Moved, { key: 'a', n })
        if (n % 1000 === 0) await idle(1)
      }
    })
    const { messages } = await bus.track((sender) => sender.execute(Carry, 1))

    expect(messages).toHaveLength(10_000)
    expect(heard).toBe(12_000)
  })
})
