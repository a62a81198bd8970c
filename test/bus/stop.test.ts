import { MessageBus, type Scope } from 'busline'
import { virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Carry, Greet, Greeted, Moved, Pay } from './fixtures/greeting.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'
import { waitingTimers } from './fixtures/waiting-timers.ts'

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

  test.concurrent('settled and track resolve, though a delivery never ends', async () => {
    const { bus } = recordedBus()
    bus.on(Greeted, () => new Promise(() => undefined))
    const tracking = bus.track((sender) => sender.publish(Greeted, { name: 'Ada' }).id)
    const receipt = bus.publish(Greeted, { name: 'Bob' })
    await bus.stop({ deadline: 1 })

    expect(await receipt.settled).toEqual({ delivered: 0, failed: 0, skipped: 1, dropped: 0 })
    expect(await tracking).toMatchObject({ value: 'run-1' })
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

describe('the state of a bus', () => {
  test('goes from running through draining, settling, cancelling and flushing to stopped', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const states: string[] = []
    const gate = deferred()
    bus.handle(Greet, async (_, scope) => {
      states.push(bus.state)
      scope.signal.addEventListener('abort', () => states.push(bus.state))
      await rejection(scope.sleep(1000))
      return ''
    })
    bus.on(Moved, async ({ n }) => {
      if (n === 1) await gate.promise
      else states.push(bus.state)
    })
    bus.attach(() => () => void states.push(bus.state))
    const greeting = bus.execute(Greet, { name: 'Ada' })
    for (const n of [1, 2, 3]) bus.publish(Moved, { key: 'a', n })
    const stopping = bus.stop({ deadline: 100 })
    expect(bus.state).toBe('draining')
    await idle()
    gate.resolve()
    await idle()
    expect(bus.state).toBe('settling')
    await clock.advance(100)
    await stopping
    await greeting

    expect(states).toEqual(['running', 'draining', 'settling', 'cancelling', 'flushing'])
    expect(bus.state).toBe('stopped')
  })

  test('is stopped also after a stop that failed', async () => {
    const bus = new MessageBus()
    bus.attach(() => () => Promise.reject(new Error('no')))
    await rejection(bus.stop())

    expect(bus.state).toBe('stopped')
  })

  test('decides what is accepted: from outside nothing but while running, from running work all until it is given up', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const log: string[] = []
    const gates = [deferred(), deferred()]
    bus.handle(Carry, (input) => input)
    const probe = async (scope: Scope): Promise<void> => {
      const { state } = bus
      const outcomes = await Promise.all([
        bus.execute(Carry, 1).then(
          () => 'accepted',
          () => 'refused',
        ),
        bus
          .session('s1')
          .execute(Carry, 1)
          .then(
            () => 'accepted',
            () => 'refused',
          ),
        scope.execute(Carry, 1).then(
          () => 'accepted',
          () => 'refused',
        ),
      ])
      const published = [bus, bus.session('s1'), scope].map((sender) => {
        try {
          sender.publish(Greeted, { name: 'Ada' })
          return 'accepted'
        } catch {
          return 'refused'
        }
      })
      log.push(`${state}: ${[...outcomes, ...published].join(' ')}`)
    }
    bus.handle(Greet, async (_, scope) => {
      await probe(scope)
      for (const { promise } of gates) {
        await promise
        await probe(scope)
      }
      await rejection(scope.sleep(1000))
      await probe(scope)
      await new Promise((resolve) => bus.tap(resolve))
      await idle()
      await probe(scope)
      return ''
    })
    const cleaning = deferred()
    bus.attach(() => () => cleaning.promise)
    bus.on(Moved, () => gates[1]?.promise)
    const greeting = rejection(bus.execute(Greet, { name: 'Ada' }))
    await idle()
    bus.publish(Moved, { key: 'a', n: 1 })
    bus.publish(Moved, { key: 'a', n: 2 })
    const stopping = bus.stop({ deadline: 100 })
    gates[0]?.resolve()
    await idle()
    gates[1]?.resolve()
    await clock.advance(100)
    await clock.advance(1000)
    expect(bus.state).toBe('flushing')
    await idle(10)
    cleaning.resolve()
    await stopping
    await greeting

    const accepted = 'accepted accepted accepted accepted accepted accepted'
    const caused = 'refused refused accepted refused refused accepted'
    expect(log).toEqual([
      `running: ${accepted}`,
      `draining: ${caused}`,
      `settling: ${caused}`,
      `cancelling: ${caused}`,
      `flushing: ${caused.replaceAll('accepted', 'refused')}`,
    ])
  })
})

describe('a bus that has stopped', () => {
  test('has ended waits and streams, and left no timer behind', async () => {
    const timers = waitingTimers()
    const bus = new MessageBus()
    bus.handle(Carry, (input) => input)
    const waiting = rejection(bus.waitFor(Greeted, { timeout: 60_000 }))
    const next = bus.events(Greeted).next()
    bus.after(60_000, () => undefined)
    bus.attach((view) => {
      view.after(60_000, () => undefined)
      return () => void view.after(60_000, () => undefined)
    })
    await bus.schedule(Carry, 1, { after: 60_000 })
    await bus.schedule(Carry, 1, { every: 60_000 })
    await bus.session('s1').schedule(Greeted, { name: 'Ada' }, { at: Date.now() + 40 * 24 * 3_600_000 })
    expect(timers()).toBe(6)
    await bus.stop()

    expect(timers()).toBe(0)
    expect(await waiting).toMatchObject({ code: 'BUS_STOPPED' })
    expect(await next).toEqual({ done: true, value: undefined })
  })
})

describe('a stop', () => {
  test('that a handler awaits does not hang: at the deadline the handler is given up', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    bus.handle(Carry, async () => bus.stop({ deadline: 100 }))
    const carrying = rejection(bus.execute(Carry, 1))
    await clock.advance(100)
    await clock.advance(1000)

    expect(await carrying).toMatchObject({ code: 'ABANDONED' })
    expect(await bus.stop()).toMatchObject({ abandoned: [{ type: 'things.carry' }], timedOut: true })
  })

  test('that a subscriber awaits does not hang either', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    bus.on(Greeted, async () => void (await bus.stop({ deadline: 100 })))
    bus.publish(Greeted, { name: 'Ada' })
    await clock.advance(100)
    await clock.advance(1000)

    expect(await bus.stop()).toMatchObject({ abandoned: [{ type: 'people.greeted' }], timedOut: true })
  })

  test('that a handler asks for without awaiting it lets that handler end', async () => {
    const { bus } = recordedBus()
    bus.handle(Carry, async () => {
      void bus.stop()
      await idle()
      return 'ended'
    })

    expect(await bus.execute(Carry, 1)).toBe('ended')
    expect(await bus.stop()).toEqual({ completed: 1, abandoned: [], timedOut: false })
  })

  test('waits for what a handler causes right after its command was given up', async () => {
    const bus = new MessageBus()
    const caller = new AbortController()
    const carried: unknown[] = []
    bus.handle(Carry, async (input) => {
      await idle()
      carried.push(input)
    })
    bus.handle(Greet, async (_, scope) => {
      await idle()
      const stopping = bus.stop()
      caller.abort()
      await scope.execute(Carry, 'to the end')
      await stopping
      return 'hello'
    })
    const greeting = rejection(bus.execute(Greet, { name: 'Ada' }, { signal: caller.signal }))

    expect(await greeting).toMatchObject({ code: 'CANCELLED' })
    expect(await bus.stop()).toEqual({ completed: 2, abandoned: [], timedOut: false })
    expect(carried).toEqual(['to the end'])
  })

  test('waits for what comes after what it waited for, when no handler awaits that', async () => {
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
    await bus.execute(Greet, { name: 'Ada' })

    expect(await bus.stop()).toEqual({ completed: 2, abandoned: [], timedOut: false })
    expect(story).toEqual(['first', 'second'])
  })

  test('ends when a cleanup never does: the others have run, and it says so', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const story: string[] = []
    bus.attach(() => async () => {
      await idle(1)
      story.push('first')
    })
    bus.attach(() => () => new Promise(() => undefined))
    bus.attach(() => () => void story.push('last'))
    const stopping = rejection(bus.stop({ deadline: 100 }))
    await clock.advance(1000)

    expect(await stopping).toMatchObject({ code: 'TIMED_OUT' })
    expect(story).toEqual(['last', 'first'])
    expect([bus.state, clock.pending]).toEqual(['stopped', 0])
  })

  test('ends when the journal never closes', async () => {
    const clock = virtualClock({ start: 1000 })
    const journal = {
      append: () => undefined,
      flush: () => Promise.resolve(),
      close: () => new Promise<void>(() => undefined),
    }
    const bus = new MessageBus({ journal, now: clock.now, after: clock.after })
    const stopping = rejection(bus.stop())
    await clock.advance(5000)

    expect(await stopping).toMatchObject({
      code: 'TIMED_OUT',
      message: 'The closing of the journal had not ended within 5000 ms.',
    })
  })

  test('tells of a cleanup and of a journal that both fail', async () => {
    const failing = {
      append: () => undefined,
      flush: () => Promise.resolve(),
      close: () => Promise.reject(new Error('full')),
    }
    const bus = new MessageBus({ journal: failing })
    bus.attach(() => () => {
      throw new Error('no')
    })

    expect(await rejection(bus.stop())).toMatchObject({
      errors: [new Error('no'), { code: 'JOURNAL_FAILED' }],
    })
  })

  test('with a deadline of 0 cancels at once', async () => {
    const { bus } = recordedBus()
    bus.handle(Carry, (_, scope) => scope.sleep(60_000))
    const carrying = rejection(bus.execute(Carry, 1))

    expect(await bus.stop({ deadline: 0 })).toEqual({ completed: 1, abandoned: [], timedOut: true })
    expect(await carrying).toMatchObject({ code: 'CANCELLED' })
  })

  test('with a deadline longer than a timer of Node holds waits for it', async () => {
    const bus = new MessageBus()
    const gate = deferred<string>()
    bus.handle(Greet, () => gate.promise)
    const greeting = bus.execute(Greet, { name: 'Ada' })
    const stopping = bus.stop({ deadline: 2 ** 31 + 5 })
    const later = deferred()
    bus.after(10, () => later.resolve())
    await later.promise
    gate.resolve('hello')

    expect(await greeting).toBe('hello')
    expect(await stopping).toEqual({ completed: 1, abandoned: [], timedOut: false })
  })

  test('delivers ten thousand queued events to subscribers that are slow', async () => {
    const bus = new MessageBus()
    let heard = 0
    bus.on(Moved, async () => {
      await Promise.resolve()
      heard++
    })
    for (let n = 0; n < 10_000; n++) bus.publish(Moved, { key: `k${n % 10}`, n })

    expect(await bus.stop()).toEqual({ completed: 10_000, abandoned: [], timedOut: false })
    expect(heard).toBe(10_000)
  })

  test('reports each delivery that it abandons, and each command', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    bus.on(Moved, () => new Promise(() => undefined))
    bus.on(Moved, () => new Promise(() => undefined), { name: 'another' })
    bus.handle(Carry, () => new Promise(() => undefined))
    bus.publish(Moved, { key: 'a', n: 1 })
    bus.publish(Moved, { key: 'a', n: 2 })
    const carrying = rejection(bus.execute(Carry, 1))
    const stopping = bus.stop({ deadline: 100 })
    await clock.advance(100)
    await clock.advance(1000)

    const { abandoned, completed, timedOut } = await stopping
    expect([completed, timedOut]).toEqual([0, true])
    expect(abandoned.map(({ type, id }) => `${type} ${id}`).toSorted()).toEqual([
      'things.carry run-3',
      'things.moved run-1',
      'things.moved run-1',
      'things.moved run-2',
      'things.moved run-2',
    ])
    expect(await carrying).toMatchObject({ code: 'ABANDONED' })
  })
})
