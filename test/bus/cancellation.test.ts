import { getEventListeners } from 'node:events'
import { BuslineError, defineCommand, MessageBus, retry, timeout, type Scope } from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Carry, Greet } from './fixtures/greeting.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'
import { runScript } from './fixtures/run-script.ts'
import { waitingTimers } from './fixtures/waiting-timers.ts'

const Wait = defineCommand('time.wait', { input: z.object({}), output: z.string() })
const Outer = defineCommand('time.outer', { input: z.object({}), output: z.string() })

/** Resolves never; rejects with the signal's reason when it is aborted, as most APIs do. */
function untilAborted({ signal }: Scope): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

describe('a signal', () => {
  test('cancels a command: CANCELLED with its reason as cause, status cancelled', async () => {
    const { bus, journal } = recordedBus()
    const controller = new AbortController()
    bus.handle(Wait, (_, scope) => untilAborted(scope))
    const waiting = bus.execute(Wait, {}, { signal: controller.signal })
    controller.abort(new Error('the user left'))

    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED', cause: { message: 'the user left' } })
    expect(recordsOf(journal, 'result')).toMatchObject([
      { status: 'cancelled', error: { code: 'CANCELLED' } },
    ])
  })

  test('aborted with a coded error hands on just that', async () => {
    const bus = new MessageBus()
    const controller = new AbortController()
    const reason = new BuslineError('SESSION_NOT_OPEN', 'closed meanwhile')
    bus.handle(Wait, (_, scope) => untilAborted(scope))
    const waiting = bus.execute(Wait, {}, { signal: controller.signal })
    controller.abort(reason)

    expect(await rejection(waiting)).toBe(reason)
  })

  test('aborted beforehand keeps the command from its handler; both lines are there', async () => {
    const { bus, journal } = recordedBus()
    let calls = 0
    bus.handle(Wait, () => `${++calls}`)

    await expect(bus.execute(Wait, {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'CANCELLED',
    })
    expect(calls).toBe(0)
    expect(journal.records.map(({ kind }) => kind)).toEqual(['header', 'command', 'result'])
    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'cancelled' }])
  })

  test('reaches the commands below the one that was given it', async () => {
    const { bus, journal } = recordedBus()
    const controller = new AbortController()
    bus.handle(Outer, (_, scope) => scope.execute(Wait, {}))
    bus.handle(Wait, (_, scope) => untilAborted(scope))
    const waiting = bus.execute(Outer, {}, { signal: controller.signal })
    controller.abort()

    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(recordsOf(journal, 'result')).toMatchObject([
      { type: 'time.wait', status: 'cancelled' },
      { type: 'time.outer', status: 'cancelled' },
    ])
  })

  test('of a child does not reach its parent', async () => {
    const bus = new MessageBus()
    const controller = new AbortController()
    bus.handle(Outer, async (_, scope) => {
      const waiting = rejection(scope.execute(Wait, {}, { signal: controller.signal }))
      controller.abort()
      await waiting
      return scope.signal.aborted ? 'aborted too' : 'went on'
    })
    bus.handle(Wait, (_, scope) => untilAborted(scope))

    expect(await bus.execute(Outer, {})).toBe('went on')
  })

  test('of a session cancels what is executed through it, and nothing else', async () => {
    const bus = new MessageBus()
    const controller = new AbortController()
    using session = bus.session('s1', { signal: controller.signal })
    const done = deferred<string>()
    bus.handle(Wait, (_, scope) => (scope.session ? untilAborted(scope) : done.promise))
    const inside = session.execute(Wait, {})
    const outside = bus.execute(Wait, {})
    controller.abort()

    await expect(inside).rejects.toMatchObject({ code: 'CANCELLED' })
    done.resolve('well')
    expect(await outside).toBe('well')
  })

  test('of a session gives a handler up that never looks at its own', async () => {
    const { bus, journal } = recordedBus()
    const controller = new AbortController()
    using session = bus.session('s1', { signal: controller.signal })
    bus.handle(Wait, () => new Promise(() => undefined))
    const waiting = session.execute(Wait, {})
    controller.abort()

    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'cancelled' }])
  })

  test('that was used for many commands and sessions is left without listeners', async () => {
    const bus = new MessageBus()
    const { signal } = new AbortController()
    bus.handle(Greet, ({ name }) => name)
    for (let n = 0; n < 20; n++) {
      await bus.execute(Greet, { name: 'Ada' }, { signal })
      bus.session(`s${n}`, { signal }).dispose()
    }

    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })
})

describe('a timeout', () => {
  test('ends a command with TIMED_OUT and status timeout', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Wait, (_, scope) => untilAborted(scope))

    await expect(bus.execute(Wait, {}, { timeout: 5 })).rejects.toMatchObject({
      code: 'TIMED_OUT',
      message: 'time.wait took longer than its timeout of 5 ms.',
      data: { timeout: 5 },
    })
    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'timeout', error: { code: 'TIMED_OUT' } }])
  })

  test('is the deadline of everything below; a shorter one below is kept, a longer one is not', async () => {
    const bus = new MessageBus({ now: () => 1000 })
    const Deadline = defineCommand('time.deadline', { input: z.object({}), output: z.number().optional() })
    const deadlines: (number | undefined)[] = []
    bus.handle(Deadline, (_, scope) => scope.deadline)
    bus.handle(Outer, async (_, scope) => {
      deadlines.push(await scope.execute(Deadline, {}))
      deadlines.push(await scope.execute(Deadline, {}, { timeout: 50 }))
      deadlines.push(await scope.execute(Deadline, {}, { timeout: 500 }))
      return ''
    })
    await bus.execute(Outer, {}, { timeout: 100 })
    deadlines.push(await bus.execute(Deadline, {}))

    expect(deadlines).toEqual([1100, 1050, 1100, undefined])
  })

  test('of a parent ends the child that waits, with the statuses of a timeout', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Outer, (_, scope) => scope.execute(Wait, {}))
    bus.handle(Wait, (_, scope) => untilAborted(scope))

    await expect(bus.execute(Outer, {}, { timeout: 5 })).rejects.toMatchObject({ code: 'TIMED_OUT' })
    expect(recordsOf(journal, 'result')).toMatchObject([
      { type: 'time.wait', status: 'timeout' },
      { type: 'time.outer', status: 'timeout' },
    ])
  })

  test.each([Infinity, 2 ** 31, Number.MAX_SAFE_INTEGER])(
    'of %d milliseconds does not end it',
    async (timeout) => {
      const bus = new MessageBus()
      bus.handle(Wait, async () => {
        await new Promise((resolve) => setTimeout(resolve, 10))
        return 'done'
      })

      expect(await bus.execute(Wait, {}, { timeout })).toBe('done')
    },
  )

  test('leaves no timer when the command ends before it', async () => {
    const bus = new MessageBus()
    bus.handle(Greet, ({ name }) => name)
    const timers = waitingTimers()
    await bus.execute(Greet, { name: 'Ada' }, { timeout: 60_000 })

    expect(timers()).toBe(0)
  })
})

test('a signal that many calls share has one listener, and cancels all of them', async () => {
  const bus = new MessageBus()
  bus.handle(Greet, () => new Promise(() => undefined))
  const caller = new AbortController()
  const calls = Array.from({ length: 20 }, (_, n) =>
    rejection(bus.execute(Greet, { name: `n${n}` }, { signal: caller.signal })),
  )
  expect(getEventListeners(caller.signal, 'abort')).toHaveLength(1)
  caller.abort()

  expect(await Promise.all(calls)).toMatchObject(calls.map(() => ({ code: 'CANCELLED' })))
  expect(getEventListeners(caller.signal, 'abort')).toEqual([])
})

describe('what a cancelled command has caused', () => {
  test('is given up before it when it does not end: each with its record', async () => {
    const { bus, journal } = recordedBus()
    let cleanedUp = false
    bus.handle(Carry, () => new Promise(() => undefined))
    bus.handle(Greet, async (_, scope) => {
      try {
        return String(await scope.execute(Carry, 1))
      } finally {
        cleanedUp = true
      }
    })
    await expect(bus.execute(Greet, { name: 'Ada' }, { timeout: 1 })).rejects.toMatchObject({
      code: 'TIMED_OUT',
    })
    await idle()

    expect(cleanedUp).toBe(true)
    expect(recordsOf(journal, 'result').map(({ type, status }) => `${type} ${status}`)).toEqual([
      'things.carry timeout',
      'people.greet timeout',
    ])
    expect(bus.inspect().running).toEqual([])
  })

  test('is given up at each attempt that runs out', async () => {
    const bus = new MessageBus()
    bus.use(retry({ attempts: 3, delay: 1 }), { for: [Greet] })
    bus.use(timeout(1), { for: [Greet] })
    bus.handle(Carry, () => new Promise(() => undefined))
    bus.handle(Greet, async (_, scope) => String(await scope.execute(Carry, 1)))

    await expect(bus.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({ code: 'TIMED_OUT' })
    expect(bus.inspect().running).toEqual([])
  })

  test.each(['returns', 'throws', 'goes on'])(
    'rejects as its record says when its handler cancels the call above and %s',
    async (how) => {
      const { bus, journal } = recordedBus()
      const caller = new AbortController()
      bus.handle(Carry, () => {
        caller.abort()
        if (how === 'throws') throw new Error('no')
        return how === 'returns' ? 1 : idle(1)
      })
      let child: Promise<unknown> | undefined
      bus.handle(Greet, async (_, scope) => {
        await idle()
        child = rejection(scope.execute(Carry, 1))
        return 'hello'
      })
      await rejection(bus.execute(Greet, { name: 'Ada' }, { signal: caller.signal }))

      expect(await child).toMatchObject({ code: 'CANCELLED' })
      expect(recordsOf(journal, 'result')).toMatchObject([
        { type: 'things.carry', status: 'cancelled', error: { code: 'CANCELLED' } },
        { type: 'people.greet', status: 'cancelled', error: { code: 'CANCELLED' } },
      ])
    },
  )

  test('goes on when it is none of its own', async () => {
    const bus = new MessageBus()
    const gate = deferred<string>()
    bus.handle(Greet, () => gate.promise)
    bus.handle(Carry, async (_, scope) => scope.execute(Greet, { name: 'Ada' }))
    const other = bus.execute(Carry, 1)
    await expect(bus.execute(Carry, 2, { timeout: 1 })).rejects.toMatchObject({ code: 'TIMED_OUT' })
    gate.resolve('hello')

    expect(await other).toBe('hello')
  })
})

describe('a cancelled handler', () => {
  test('may clean up: what it throws then is what the caller gets', async () => {
    const { bus, journal } = recordedBus()
    const controller = new AbortController()
    const mine = new Error('cleaned up')
    bus.handle(Wait, async (_, scope) => {
      await rejection(untilAborted(scope))
      await idle()
      throw mine
    })
    const waiting = bus.execute(Wait, {}, { signal: controller.signal })
    controller.abort()

    expect(await rejection(waiting)).toBe(mine)
    expect(recordsOf(journal, 'result')).toMatchObject([
      { status: 'cancelled', error: { message: 'cleaned up' } },
    ])
  })

  test('may still succeed: what was done was done', async () => {
    const { bus, journal } = recordedBus()
    const controller = new AbortController()
    bus.handle(Wait, async (_, scope) => {
      await rejection(untilAborted(scope))
      return 'done all the same'
    })
    const waiting = bus.execute(Wait, {}, { signal: controller.signal })
    controller.abort()

    expect(await waiting).toBe('done all the same')
    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'ok' }])
  })

  test('may execute commands to clean up', async () => {
    const { bus } = recordedBus()
    const controller = new AbortController()
    bus.handle(Greet, ({ name }) => name)
    bus.handle(Wait, async (_, scope) => {
      await rejection(untilAborted(scope))
      return scope.execute(Greet, { name: 'cleaned' })
    })
    const waiting = bus.execute(Wait, {}, { signal: controller.signal })
    controller.abort()

    expect(await waiting).toBe('cleaned')
  })

  test('that never looked at its signal is given up at once; its late result is ignored', async () => {
    const { bus, journal } = recordedBus()
    const controller = new AbortController()
    const late = deferred<string>()
    bus.handle(Wait, () => late.promise)
    const waiting = bus.execute(Wait, {}, { signal: controller.signal })
    controller.abort()

    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
    late.resolve('too late')
    await idle()
    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'cancelled' }])
  })

  test('that was given up may fail late without anybody noticing', async () => {
    const { bus, journal } = recordedBus()
    const late = deferred<string>()
    bus.handle(Wait, () => late.promise)
    await expect(bus.execute(Wait, {}, { timeout: 1 })).rejects.toMatchObject({ code: 'TIMED_OUT' })
    late.reject(new Error('too late'))
    await idle()

    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'timeout', error: { code: 'TIMED_OUT' } }])
  })

  test.concurrent('that looked at its signal and ignores it is given up after a second', async () => {
    const { bus, journal } = recordedBus()
    bus.handle(Wait, (_, scope) => new Promise(() => scope.signal))
    const started = performance.now()

    await expect(bus.execute(Wait, {}, { timeout: 1 })).rejects.toMatchObject({ code: 'TIMED_OUT' })
    expect(performance.now() - started).toBeGreaterThan(990)
    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'timeout' }])
  })

  test.concurrent(
    'that ignores its signal does not let the process end before the caller has an answer',
    async () => {
      const script = new URL('./fixtures/ignores-its-signal.ts', import.meta.url)

      expect(await runScript(script)).toMatchObject({ code: 0, stdout: 'TIMED_OUT\n' })
    },
  )
})
