import { MessageBus } from 'busline'
import { describe, expect, test } from 'vitest'
import { Carry, Greet, Greeted, Moved, Pay } from './fixtures/greeting.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

describe('stop', () => {
  test('of an idle bus reports nothing and closes the journal', async () => {
    const { bus, journal } = recordedBus()

    expect(await bus.stop()).toEqual({ completed: 0, abandoned: [], timedOut: false })
    expect(journal.lines).toHaveLength(1)
  })

  test('lets running commands and accepted deliveries end, and counts them', async () => {
    const bus = new MessageBus()
    const heard: string[] = []
    const gate = deferred<string>()
    bus.handle(Greet, () => gate.promise)
    bus.on(Greeted, async ({ name }) => {
      await idle(1)
      heard.push(name)
    })
    const greeting = bus.execute(Greet, { name: 'Ada' })
    bus.publish(Greeted, { name: 'Bob' })
    bus.publish(Greeted, { name: 'Cyd' })
    const stopping = bus.stop()
    gate.resolve('hello')

    expect(await greeting).toBe('hello')
    expect(await stopping).toEqual({ completed: 3, abandoned: [], timedOut: false })
    expect(heard).toEqual(['Bob', 'Cyd'])
  })

  test('accepts what running work causes, at any depth', async () => {
    const bus = new MessageBus()
    const gate = deferred()
    const heard: string[] = []
    bus.handle(Greet, async ({ name }, scope) => {
      await gate.promise
      scope.publish(Greeted, { name })
      return scope.execute(Pay, { amount: 1 })
    })
    bus.handle(Pay, async (_, scope) => {
      await idle(1)
      return String(await scope.execute(Carry, 'carried'))
    })
    bus.handle(Carry, (input) => input)
    bus.on(Greeted, async ({ name }, scope) => {
      await idle(2)
      heard.push(name, String(await scope.execute(Carry, 'too')))
    })
    const greeting = bus.execute(Greet, { name: 'Ada' })
    const stopping = bus.stop()
    gate.resolve()

    expect(await greeting).toBe('carried')
    expect(await stopping).toMatchObject({ completed: 5, timedOut: false })
    expect(heard).toEqual(['Ada', 'too'])
  })

  test('refuses calls from outside at once: commands with both lines while it drains, events by throwing', async () => {
    const { bus, journal } = recordedBus()
    const gate = deferred<string>()
    bus.handle(Greet, () => gate.promise)
    const session = bus.session('s1')
    const running = bus.execute(Greet, { name: 'Ada' })
    const stopping = bus.stop()

    await expect(bus.execute(Greet, { name: 'Bob' })).rejects.toMatchObject({ code: 'BUS_STOPPED' })
    await expect(session.execute(Greet, { name: 'Bob' })).rejects.toMatchObject({ code: 'BUS_STOPPED' })
    const refused = expect.objectContaining({ code: 'BUS_STOPPED', data: { type: 'people.greeted' } })
    expect(() => bus.publish(Greeted, { name: 'Bob' })).toThrow(refused)
    expect(() => session.publish(Greeted, { name: 'Bob' })).toThrow(refused)
    expect(recordsOf(journal, 'command')).toHaveLength(3)
    expect(recordsOf(journal, 'result')).toMatchObject([
      { of: 'run-2', error: { code: 'BUS_STOPPED' } },
      { of: 'run-3', error: { code: 'BUS_STOPPED' } },
    ])
    gate.resolve('hello')
    await running
    await stopping
  })

  test('leaves a bus that refuses everything', async () => {
    const { bus } = recordedBus()
    bus.handle(Greet, () => '')
    await bus.stop()

    await expect(bus.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({ code: 'BUS_STOPPED' })
    expect(() => bus.publish(Greeted, { name: 'Ada' })).toThrow('people.greeted was not accepted')
  })

  test('twice is one stop with one report, and so is the end of an await-using block', async () => {
    let cleanups = 0
    const bus = new MessageBus()
    {
      await using sameBus = bus
      sameBus.attach(() => () => void cleanups++)
    }
    const [first, second] = await Promise.all([bus.stop(), bus.stop({ deadline: 1 })])

    expect(second).toBe(first)
    expect(cleanups).toBe(1)
  })

  test('runs the cleanups of participants in reverse, one after the other, when work has ended', async () => {
    const bus = new MessageBus()
    const story: string[] = []
    bus.handle(Greet, async () => {
      await idle(2)
      story.push('work ends')
      return ''
    })
    for (const name of ['first', 'second', 'third']) {
      bus.attach((view) => {
        if (name === 'second') view.attach(() => () => idle(1).then(() => void story.push('inner of second')))
        return async () => {
          await idle(2)
          story.push(name)
        }
      })
    }
    void bus.execute(Greet, { name: 'Ada' })
    await bus.stop()

    expect(story).toEqual(['work ends', 'third', 'inner of second', 'second', 'first'])
  })

  test('waits for the cleanup of a participant that was taken back just before', async () => {
    const { bus } = recordedBus()
    const story: string[] = []
    const off = bus.attach(() => () => idle(5).then(() => void story.push('cleaned')))
    off()
    await bus.stop()

    expect(story).toEqual(['cleaned'])
  })

  test('runs every cleanup and closes the journal also when one fails, and rejects with its error', async () => {
    const story: string[] = []
    const broken = new Error('no')
    const bus = new MessageBus({
      journal: {
        append: () => undefined,
        flush: () => Promise.resolve(),
        close: () => Promise.resolve(void story.push('closed')),
      },
    })
    bus.attach(() => () => void story.push('first'))
    bus.attach(() => () => Promise.reject(broken))
    bus.attach(() => () => void story.push('third'))

    expect(await rejection(bus.stop())).toBe(broken)
    expect(story).toEqual(['third', 'first', 'closed'])
  })

  test('rejects with the errors of all cleanups that fail', async () => {
    const bus = new MessageBus()
    const [one, two] = [new Error('one'), new Error('two')]
    bus.attach(() => () => Promise.reject(one))
    bus.attach(() => () => {
      throw two
    })

    expect(await rejection(bus.stop())).toMatchObject({ errors: [two, one] })
  })

  test('rejects with JOURNAL_FAILED when the last lines could not be written', async () => {
    const bus = new MessageBus({
      journal: {
        append: () => undefined,
        flush: () => Promise.resolve(),
        close: () => Promise.reject(new Error('disk on fire')),
      },
    })

    await expect(bus.stop()).rejects.toMatchObject({
      code: 'JOURNAL_FAILED',
      cause: { message: 'disk on fire' },
    })
  })

  test('without a deadline in sight waits as long as it takes', async () => {
    const bus = new MessageBus()
    const gate = deferred<string>()
    bus.handle(Greet, () => gate.promise)
    const greeting = bus.execute(Greet, { name: 'Ada' })
    const stopping = bus.stop({ deadline: Infinity })
    // Longer than the millisecond after which Node would end a timer that it can't hold.
    await new Promise((resolve) => setTimeout(resolve, 10))
    gate.resolve('hello')

    expect(await greeting).toBe('hello')
    expect(await stopping).toMatchObject({ timedOut: false })
  })
})

describe('at the deadline', () => {
  test('work that watches its signal is cancelled and may clean up', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Greet, (_, { signal }) => {
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => setImmediate(reject, signal.reason))
      })
    })
    const greeting = rejection(bus.execute(Greet, { name: 'Ada' }))
    const report = await bus.stop({ deadline: 1 })

    expect(await greeting).toMatchObject({ code: 'CANCELLED' })
    expect(report).toEqual({ completed: 1, abandoned: [], timedOut: true })
    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'cancelled' }])
  })

  test.concurrent(
    'work that does not end a second later is abandoned: reported, recorded, rejected',
    async () => {
      const { bus, journal } = recordedBus()
      bus.handle(Greet, (_, scope) => scope.execute(Carry, 1).then(String))
      bus.handle(Carry, () => new Promise(() => undefined))
      const greeting = rejection(bus.execute(Greet, { name: 'Ada' }))
      const report = await bus.stop({ deadline: 1 })

      expect(report).toEqual({
        completed: 0,
        abandoned: [
          { id: 'run-1.1', type: 'things.carry' },
          { id: 'run-1', type: 'people.greet' },
        ],
        timedOut: true,
      })
      expect(await greeting).toMatchObject({ code: 'ABANDONED' })
      expect(recordsOf(journal, 'result')).toMatchObject([
        { of: 'run-1.1', status: 'cancelled', error: { code: 'ABANDONED' } },
        { of: 'run-1', status: 'cancelled', error: { code: 'ABANDONED' } },
      ])
    },
  )

  test.concurrent('deliveries that do not end are noted, and those behind them never begin', async () => {
    const { bus, journal } = recordedBus()
    const gate = deferred()
    const heard: number[] = []
    bus.on(Moved, ({ n }) => {
      heard.push(n)
      return gate.promise
    })
    bus.publish(Moved, { key: 'a', n: 1 })
    const second = bus.publish(Moved, { key: 'a', n: 2 })

    expect(await bus.stop({ deadline: 1 })).toMatchObject({
      completed: 0,
      abandoned: [
        { id: 'run-1', type: 'things.moved' },
        { id: 'run-2', type: 'things.moved' },
      ],
      timedOut: true,
    })
    expect(recordsOf(journal, 'note', 'bus.abandoned')).toMatchObject([
      { cause: 'run-1', data: { event: 'run-1' } },
      { cause: 'run-2', data: { event: 'run-2' } },
    ])
    gate.resolve()
    expect(await second.settled).toEqual({ delivered: 0, failed: 0, skipped: 1, dropped: 0 })
    expect(heard).toEqual([1])
  })

  test.concurrent('what an abandoned handler still sends is refused', async () => {
    const { bus } = recordedBus()
    const gate = deferred()
    const errors: unknown[] = []
    bus.handle(Greet, async ({ name }, scope) => {
      await gate.promise
      errors.push(await rejection(scope.execute(Carry, 1)))
      scope.publish(Greeted, { name })
      return ''
    })
    const greeting = rejection(bus.execute(Greet, { name: 'Ada' }))
    await bus.stop({ deadline: 1 })
    gate.resolve()
    await idle()

    expect(await greeting).toMatchObject({ code: 'ABANDONED' })
    expect(errors).toMatchObject([{ code: 'BUS_STOPPED' }])
  })
})
