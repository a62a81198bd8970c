// Filters that let through, and layers in the wrong order. The rows are those of the mission.
import { filter, MessageBus, type CommandEnd, type DeliveryEnd } from 'busline'
import { describe, expect, test } from 'vitest'
import { Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { rejection } from '../bus/fixtures/promises.ts'
import { recordedBus, recordsOf } from '../bus/fixtures/recorded-bus.ts'

describe('row 17, LOFT: a failing PII filter let the text through', () => {
  test('a filter that fails holds the message back, command or event', async () => {
    const bus = new MessageBus()
    const reached: string[] = []
    bus.handle(Greet, ({ name }) => String(reached.push(name)))
    bus.on(Greeted, ({ name }) => void reached.push(name))
    const broken = new Error('the filter is broken')
    bus.use(
      filter(() => {
        throw broken
      }),
    )

    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toBe(broken)
    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 0, failed: 1 })
    expect(reached).toEqual([])
  })

  test('a layer that takes its time does not begin a handler whose command has ended meanwhile', async () => {
    const bus = new MessageBus()
    const controller = new AbortController()
    let reached = 0
    const gates: (() => void)[] = []
    bus.use(async (_, next) => {
      await new Promise<void>((resolve) => gates.push(resolve))
      return next()
    })
    bus.handle(Greet, () => String(++reached))
    const cancelled = rejection(bus.execute(Greet, { name: 'Ada' }, { signal: controller.signal }))
    controller.abort()
    expect(await cancelled).toMatchObject({ code: 'CANCELLED' })

    for (const open of gates) open()
    await bus.stop()
    expect(reached).toBe(0)
  })

  test('nor a subscriber that has left meanwhile', async () => {
    const bus = new MessageBus()
    const gates: (() => void)[] = []
    const heard: string[] = []
    bus.use(async (_, next) => {
      await new Promise<void>((resolve) => gates.push(resolve))
      return next()
    })
    const off = bus.on(Greeted, ({ name }) => void heard.push(name))
    const { settled } = bus.publish(Greeted, { name: 'Ada' })
    await Promise.resolve()
    off()
    for (const open of gates) open()

    expect(await settled).toEqual({ delivered: 0, failed: 0, skipped: 1, dropped: 0 })
    expect(heard).toEqual([])
  })
})

describe('G8, LLMgine: middleware, filters, priorities, metrics', () => {
  test('layers run as an onion, for their types only, and not after they were removed', async () => {
    const bus = new MessageBus()
    const story: string[] = []
    const layer = (name: string) => async (_: unknown, next: () => Promise<unknown>) => {
      story.push(`${name} before`)
      const result = await next()
      story.push(`${name} after`)
      return result
    }
    bus.use(layer('outer'))
    const off = bus.use(layer('inner'), { for: [Greet] })
    bus.handle(Greet, () => 'hello')
    bus.on(Greeted, () => undefined)
    await bus.execute(Greet, { name: 'Ada' })
    expect(story.splice(0)).toEqual(['outer before', 'inner before', 'inner after', 'outer after'])

    await bus.publish(Greeted, { name: 'Ada' }).settled
    off()
    await bus.execute(Greet, { name: 'Ada' })
    expect(story).toEqual(['outer before', 'outer after', 'outer before', 'outer after'])
  })

  test('what is filtered is recorded as filtered, not as delivered', async () => {
    const { bus, journal } = recordedBus()
    bus.use(filter(({ data }) => JSON.stringify(data).includes('Ada')))
    bus.handle(Greet, () => 'hello')
    bus.on(Greeted, () => undefined, { name: 'listener' })

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('hello')
    expect(await rejection(bus.execute(Greet, { name: 'Bob' }))).toMatchObject({ code: 'FILTERED' })
    const { id, settled } = bus.publish(Greeted, { name: 'Bob' })
    expect(await settled).toMatchObject({ delivered: 0, skipped: 1 })
    expect(recordsOf(journal, 'note', 'bus.filtered')).toMatchObject([
      { data: { event: id, subscriber: 'listener' } },
    ])
  })

  test('a subscriber of a higher priority comes earlier', async () => {
    const bus = new MessageBus()
    const heard: number[] = []
    for (const priority of [0, 2, 1]) bus.on(Greeted, () => void heard.push(priority), { priority })
    await bus.publish(Greeted, { name: 'Ada' }).settled

    expect(heard).toEqual([2, 1, 0])
  })

  test('commands and deliveries are measured, failed ones too', async () => {
    const bus = new MessageBus({ now: () => 1000 })
    const ends: (CommandEnd['status'] | DeliveryEnd['outcome'])[] = []
    bus.probe({
      commandEnded: (_, { status }) => ends.push(status),
      deliveryEnded: (_, { outcome }) => ends.push(outcome),
    })
    bus.handle(Greet, () => 'hello')
    bus.on(Greeted, () => {
      throw new Error('no')
    })
    await bus.execute(Greet, { name: 'Ada' })
    await rejection(bus.execute(Greet, { name: '' }))
    await bus.publish(Greeted, { name: 'Ada' }).settled

    expect(ends).toEqual(['ok', 'error', 'failed'])
  })
})
