import { DeliveryFailed, MessageBus, type SubscribeOptions } from 'busline'
import { describe, expect, test } from 'vitest'
import { Greeted, Moved } from './fixtures/greeting.ts'
import { deferred, idle } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

describe('priority', () => {
  test('puts the higher first; equal ones stay in the order of subscribing', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    const on = (name: string, options?: SubscribeOptions): unknown =>
      bus.on(Greeted, () => void heard.push(name), options)
    on('0 first')
    on('-1', { priority: -1 })
    on('2.5 first', { priority: 2.5 })
    on('0 second', { priority: 0 })
    on('2.5 second', { priority: 2.5 })
    on('1000', { priority: 1000 })
    await bus.publish(Greeted, { name: 'Ada' }).settled

    expect(heard).toEqual(['1000', '2.5 first', '2.5 second', '0 first', '0 second', '-1'])
  })

  test('counts among subscribers of the event, of lists and of patterns alike', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    bus.on(Greeted, () => void heard.push('event'), { priority: 1 })
    bus.on('**', () => void heard.push('everything'), { priority: 3 })
    bus.on([Moved, Greeted], () => void heard.push('list'), { priority: 4 })
    bus.on('people.*', () => void heard.push('pattern'), { priority: 2 })
    await bus.publish(Greeted, { name: 'Ada' }).settled

    expect(heard).toEqual(['list', 'everything', 'pattern', 'event'])
  })

  test('counts between the bus and a session; where it is equal the bus comes first', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    const session = bus.session('s1')
    session.on(Greeted, () => void heard.push('session 0'))
    session.on(Greeted, () => void heard.push('session 2'), { priority: 2 })
    bus.on(Greeted, () => void heard.push('bus 1'), { priority: 1 })
    bus.on(Greeted, () => void heard.push('bus 0'))
    bus.on(Greeted, () => void heard.push('bus 3'), { priority: 3 })
    await session.publish(Greeted, { name: 'Ada' }).settled

    expect(heard).toEqual(['bus 3', 'session 2', 'bus 1', 'bus 0', 'session 0'])
  })

  test('of one who comes or goes counts from the next event on', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    bus.on(Greeted, () => void heard.push('old'))
    await bus.publish(Greeted, { name: 'Ada' }).settled
    const off = bus.on(Greeted, () => void heard.push('new'), { priority: 1 })
    await bus.publish(Greeted, { name: 'Ada' }).settled
    off()
    await bus.publish(Greeted, { name: 'Ada' }).settled

    expect(heard).toEqual(['old', 'new', 'old', 'old'])
  })

  test('is an order of beginning: nobody waits for who is before', async () => {
    const bus = new MessageBus()
    const gate = deferred()
    const heard: string[] = []
    bus.on(Greeted, () => gate.promise, { priority: 1 })
    bus.on(Greeted, () => void heard.push('second'))
    const { settled } = bus.publish(Greeted, { name: 'Ada' })
    await idle()

    expect(heard).toEqual(['second'])
    gate.resolve()
    await settled
  })
})

describe('the key of a subscription', () => {
  test('puts events in one lane that are in several for others', async () => {
    const bus = new MessageBus()
    const gate = deferred()
    const heard: Record<string, number[]> = { one: [], several: [] }
    const hold =
      (name: string) =>
      ({ n }: { n: number }): Promise<void> | undefined => {
        heard[name]?.push(n)
        return n === 1 ? gate.promise : undefined
      }
    bus.on(Moved, hold('one'), { key: () => 'all' })
    bus.on(Moved, hold('several'))
    for (const [index, key] of ['a', 'b', 'c'].entries()) bus.publish(Moved, { key, n: index + 1 })
    await idle()
    expect(heard).toEqual({ one: [1], several: [1, 2, 3] })

    gate.resolve()
    await idle()
    expect(heard).toEqual({ one: [1, 2, 3], several: [1, 2, 3] })
  })

  test('puts events in several lanes that are in one for others, by the whole message', async () => {
    const bus = new MessageBus()
    const stuck = deferred()
    const heard: string[] = []
    bus.on(
      Greeted,
      ({ name }) => {
        heard.push(name)
        return name === 'Ada' ? stuck.promise : undefined
      },
      { key: ({ type, session, data }) => `${type} ${session} ${JSON.stringify(data)}` },
    )
    const session = bus.session('s1')
    session.publish(Greeted, { name: 'Ada' })
    session.publish(Greeted, { name: 'Ada' })
    await session.publish(Greeted, { name: 'Bob' }).settled

    expect(heard).toEqual(['Ada', 'Bob'])
    stuck.resolve()
  })

  test.each<{ what: string; options: SubscribeOptions }>([
    { what: '', options: {} },
    { what: ' with a mailbox', options: { mailbox: { capacity: 9 } } },
    { what: ' with a timeout and attempts', options: { timeout: 1e6, retry: 2 } },
  ])('that throws fails that delivery$what, and nothing else', async ({ options }) => {
    const { bus, journal } = recordedBus({ random: () => 0 })
    const heard: string[] = []
    bus.on(Moved, ({ n }) => void heard.push(`other ${n}`))
    bus.on(Moved, ({ n }) => void heard.push(`keyed ${n}`), {
      ...options,
      name: 'keyed',
      key: ({ data }) => {
        if (JSON.stringify(data).includes('"n":2')) throw new Error('no key')
        return 'all'
      },
    })
    bus.on(Moved, ({ n }) => void heard.push(`last ${n}`))
    const receipts = [1, 2, 3].map((n) => bus.publish(Moved, { key: 'a', n }))
    const reports = await Promise.all(receipts.map(({ settled }) => settled))

    expect(reports.map(({ delivered, failed }) => [delivered, failed])).toEqual([
      [3, 0],
      [2, 1],
      [3, 0],
    ])
    expect(heard.filter((step) => step.startsWith('keyed'))).toEqual(['keyed 1', 'keyed 3'])
    expect(recordsOf(journal, 'event', DeliveryFailed.type).at(-1)).toMatchObject({
      data: { subscriber: 'keyed', error: { message: 'no key' } },
    })
    expect(bus.deadLetters.list()).toMatchObject([{ subscriber: 'keyed', key: 'a' }])
    expect(await bus.stop()).toMatchObject({ abandoned: [], timedOut: false })
  })

  test('is asked once per event, so that one that changes its mind leaves nothing behind', async () => {
    const bus = new MessageBus()
    const heard: number[] = []
    let asked = 0
    bus.on(Moved, ({ n }) => idle(1).then(() => void heard.push(n)), {
      mailbox: { capacity: 100 },
      key: () => `${++asked}`,
    })
    for (let n = 0; n < 20; n++) bus.publish(Moved, { key: 'a', n })
    await bus.stop()

    expect(heard).toHaveLength(20)
    expect(asked).toBe(20)
  })
})

describe('a subscription is refused with INVALID_OPTION', () => {
  const optionsThatAreNone: SubscribeOptions[] = [
    { priority: Number.NaN },
    { priority: Infinity },
    { timeout: 0 },
    { timeout: -1 },
    { timeout: Number.NaN },
    { retry: 0 },
    { mailbox: { capacity: 0 } },
  ]

  test.each(optionsThatAreNone)('for %j', async (options) => {
    const bus = new MessageBus()
    const heard: string[] = []
    expect(() => bus.on(Greeted, ({ name }) => void heard.push(name), options)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
    expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 0 })
    expect(heard).toEqual([])
  })
})
