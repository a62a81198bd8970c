import { BuslineError, MessageBus, type Limits, type Scope } from 'busline'
import { virtualClock, type VirtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Carry, Greet, Greeted } from './fixtures/greeting.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'

/** A bus whose greetings run inside of `next(limits)`. */
function limitedBus(limits: Limits): {
  bus: MessageBus
  timers: VirtualClock
  journal: ReturnType<typeof recordedBus>['journal']
} {
  const timers = virtualClock({ start: 0 })
  const { bus, journal } = recordedBus({ now: timers.now, after: timers.after })
  bus.use((_, next) => next(limits), { for: ['people.*'] })
  return { bus, timers, journal }
}

const never = (): Promise<never> => new Promise(() => undefined)

describe('next({ timeout })', () => {
  test('passes the result on when there is time, and leaves no timer', async () => {
    const { bus, timers } = limitedBus({ timeout: 100 })
    bus.handle(Greet, ({ name }) => idle(1).then(() => name))

    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('Ada')
    expect(timers.pending).toBe(0)
  })

  test('rejects with TIMED_OUT at once when nobody looked at the signal', async () => {
    const { bus, timers, journal } = limitedBus({ timeout: 100 })
    bus.handle(Greet, never)
    const failure = rejection(bus.execute(Greet, { name: 'Ada' }))
    await timers.advance(100)

    expect(await failure).toMatchObject({ code: 'TIMED_OUT', data: { timeout: 100 } })
    expect(recordsOf(journal, 'result')).toMatchObject([{ status: 'timeout' }])
    expect(timers.pending).toBe(0)
  })

  test('gives the inner layers a scope with that deadline and that signal, and the outer ones none', async () => {
    const { bus, timers } = limitedBus({ timeout: 100 })
    let outer: Scope | undefined
    bus.use((_, next, scope) => {
      outer = scope
      return next()
    })
    const seen: unknown[] = []
    bus.handle(Greet, async (_, { deadline, signal, message, session, cause }) => {
      seen.push({ deadline, id: message.id, session, cause })
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      seen.push(signal.reason instanceof BuslineError && signal.reason.code)
      return 'partial'
    })
    const result = bus.session('s1').execute(Greet, { name: 'Ada' })
    await timers.advance(100)

    expect(await result).toBe('partial')
    expect(seen).toEqual([{ deadline: 100, id: 'run-1', session: 's1', cause: undefined }, 'TIMED_OUT'])
    expect(outer?.deadline).toBe(100)
  })

  test('never gives more than is left of the whole', async () => {
    const { bus, timers } = limitedBus({ timeout: 100 })
    const deadlines: unknown[] = []
    bus.handle(Greet, (_, { deadline }) => {
      deadlines.push(deadline)
      return never()
    })
    const failure = rejection(bus.execute(Greet, { name: 'Ada' }, { timeout: 40 }))
    await timers.advance(40)

    expect(deadlines).toEqual([40])
    expect(await failure).toMatchObject({ code: 'TIMED_OUT', data: { timeout: 40 } })
    await timers.advance(100)
    expect(timers.pending).toBe(0)
  })

  test('gives one that looked at its signal a second, then gives it up', async () => {
    const { bus, timers } = limitedBus({ timeout: 100 })
    bus.handle(Greet, (_, { signal }) => new Promise(() => signal))
    let ended = false
    const failure = rejection(bus.execute(Greet, { name: 'Ada' })).finally(() => (ended = true))
    await timers.advance(1099)
    expect(ended).toBe(false)
    await timers.advance(1)

    expect(await failure).toMatchObject({ code: 'TIMED_OUT' })
  })

  test('cancels what the handler executes', async () => {
    const { bus, timers, journal } = limitedBus({ timeout: 100 })
    bus.handle(Carry, (_, scope) => scope.sleep(1e6))
    bus.handle(Greet, async (_, scope) => String(await scope.execute(Carry, 1)))
    const failure = rejection(bus.execute(Greet, { name: 'Ada' }))
    await timers.advance(100)

    expect(await failure).toMatchObject({ code: 'TIMED_OUT' })
    expect(recordsOf(journal, 'result').map(({ type, status }) => [type, status])).toEqual([
      ['things.carry', 'timeout'],
      ['people.greet', 'timeout'],
    ])
    expect(timers.pending).toBe(0)
  })

  test('around a delivery fails it, and the next one begins', async () => {
    const { bus, timers } = limitedBus({ timeout: 100 })
    const heard: string[] = []
    bus.on(Greeted, ({ name }) => {
      heard.push(name)
      return name === 'Ada' ? never() : undefined
    })
    const first = bus.publish(Greeted, { name: 'Ada' })
    const second = bus.publish(Greeted, { name: 'Bob' })
    await timers.advance(100)

    expect(await first.settled).toMatchObject({ failed: 1 })
    expect(await second.settled).toMatchObject({ delivered: 1 })
    expect(heard).toEqual(['Ada', 'Bob'])
    expect(bus.deadLetters.list()).toMatchObject([{ error: { code: 'TIMED_OUT' } }])
  })

  test('what the inner layers throw, at once or later, is passed on as it is', async () => {
    const { bus, timers } = limitedBus({ timeout: 100 })
    const errors = [new Error('at once'), new Error('later')]
    bus.handle(Greet, ({ name }) => {
      if (name === '0') throw errors[0]
      return Promise.reject(errors[Number(name)])
    })

    expect(await rejection(bus.execute(Greet, { name: '0' }))).toBe(errors[0])
    expect(await rejection(bus.execute(Greet, { name: '1' }))).toBe(errors[1])
    expect(timers.pending).toBe(0)
  })
})

describe('next({ signal })', () => {
  test('cancels the inner layers only', async () => {
    const bus = new MessageBus()
    const controller = new AbortController()
    const signals: AbortSignal[] = []
    bus.use(async (_, next, { signal }) => {
      signals.push(signal)
      return next({ signal: controller.signal }).catch(() => 'instead')
    })
    bus.handle(Greet, async (_, { signal }) => {
      signals.push(signal)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw signal.reason
    })
    const result = bus.execute(Greet, { name: 'Ada' })
    await idle()
    controller.abort(new Error('enough'))

    expect(await result).toBe('instead')
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true])
    expect(signals[1]?.reason).toMatchObject({ code: 'CANCELLED', cause: { message: 'enough' } })
  })

  test('that is aborted before runs nothing', async () => {
    const { bus } = limitedBus({ signal: AbortSignal.abort() })
    let runs = 0
    bus.handle(Greet, () => `${++runs}`)

    expect(await rejection(bus.execute(Greet, { name: 'Ada' }))).toMatchObject({ code: 'CANCELLED' })
    expect(runs).toBe(0)
  })

  test('that is aborted while nothing runs any more disturbs nobody', async () => {
    const controller = new AbortController()
    const { bus } = limitedBus({ signal: controller.signal })
    bus.handle(Greet, ({ name }) => name)
    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('Ada')
    controller.abort()
    await idle()

    expect(await bus.stop()).toMatchObject({ abandoned: [] })
  })

  test('a stop cancels what runs under it', async () => {
    const gate = deferred()
    const { bus, timers } = limitedBus({ signal: new AbortController().signal })
    bus.on(Greeted, async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      gate.resolve()
    })
    bus.publish(Greeted, { name: 'Ada' })
    await idle()
    const stopping = bus.stop({ deadline: 10 })
    await timers.advance(10)
    await gate.promise

    expect(await stopping).toMatchObject({ abandoned: [], timedOut: true })
  })
})
