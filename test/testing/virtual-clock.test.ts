import { MessageBus } from 'busline'
import { settle, testBus, virtualClock } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Carry, Greet } from '../bus/fixtures/greeting.ts'
import { rejection } from '../bus/fixtures/promises.ts'

describe('a virtual clock', () => {
  test('stands until it is told to go on, and begins where it is told to', async () => {
    const clock = virtualClock({ start: 500 })
    await settle()
    expect(clock.now()).toBe(500)

    await clock.advance(20)
    expect(clock.now()).toBe(520)
  })

  test('runs what falls due in order of time, then in the order in which it was set', async () => {
    const clock = virtualClock({ start: 0 })
    const rang: string[] = []
    const set = (ms: number, name: string): void =>
      void clock.after(ms, () => rang.push(`${name} at ${clock.now()}`))
    set(30, 'late')
    set(10, 'first')
    set(10, 'second')
    set(31, 'too late')

    await clock.advance(30)
    expect(rang).toEqual(['first at 10', 'second at 10', 'late at 30'])
    expect(clock.pending).toBe(1)
  })

  test('lets what a timer causes settle before the next timer, and what it sets take part', async () => {
    const clock = virtualClock({ start: 0 })
    const told: string[] = []
    clock.after(10, () => {
      void (async () => {
        for (let hop = 0; hop < 50; hop++) await Promise.resolve()
        await new Promise((resolve) => setImmediate(resolve))
        told.push('settled')
        clock.after(5, () => told.push(`set meanwhile, at ${clock.now()}`))
      })()
    })
    clock.after(20, () => told.push('next'))

    await clock.advance(20)
    expect(told).toEqual(['settled', 'set meanwhile, at 15', 'next'])
  })

  test('does not ring what was taken back', async () => {
    const clock = virtualClock()
    const off = clock.after(10, () => expect.unreachable())
    off()
    off()

    await clock.advance(100)
    expect(clock.pending).toBe(0)
  })

  test('goes on to the next timer, or until there is none', async () => {
    const clock = virtualClock({ start: 0 })
    clock.after(10, () => undefined)
    clock.after(10_000, () => clock.after(5, () => undefined))

    expect(await clock.runNext()).toBe(true)
    expect(clock.now()).toBe(10)
    await clock.runAll()
    expect(clock.now()).toBe(10_005)
    expect(await clock.runNext()).toBe(false)
  })

  test('refuses to run for ever', async () => {
    const clock = virtualClock()
    const again = (): void => void clock.after(1, again)
    again()

    await expect(clock.runAll(50)).rejects.toThrow(RangeError)
  })

  test('jumps forward and back without running timers, or changing when they are due', async () => {
    const clock = virtualClock({ start: 1000 })
    let rang = 0
    clock.after(10, () => rang++)
    clock.jump(5000)
    await settle()
    expect([clock.now(), rang]).toEqual([6000, 0])

    clock.jump(-5500)
    expect(clock.now()).toBe(500)
    await clock.advance(10)
    expect([clock.now(), rang]).toEqual([510, 1])
  })

  test('is the time of a bus', async () => {
    const clock = virtualClock()
    const bus = new MessageBus({ now: clock.now, after: clock.after })
    bus.handle(Greet, async (_, scope) => {
      await scope.sleep(3_600_000)
      return `an hour later it is ${scope.now()}`
    })
    const greeting = bus.execute(Greet, { name: 'Ada' })
    const started = clock.now()
    await clock.advance(3_600_000)

    expect(await greeting).toBe(`an hour later it is ${started + 3_600_000}`)
    await bus.stop()
  })
})

describe('until', () => {
  test('goes on by itself until the work has ended, and returns what came of it', async () => {
    const { bus, clock } = testBus({ start: 0 })
    bus.handle(Carry, async (input, scope) => {
      await scope.sleep(60_000)
      return scope.execute(Greet, { name: String(input) })
    })
    bus.handle(Greet, async ({ name }, scope) => {
      await scope.sleep(60_000)
      return `hello, ${name}`
    })
    bus.after(1_000_000, () => undefined)

    expect(await clock.until(bus.execute(Carry, 'Ada'))).toBe('hello, Ada')
    expect(clock.now()).toBe(120_000)
    expect(clock.pending).toBe(1)
  })

  test('rejects with what the work rejects with', async () => {
    const { bus, clock } = testBus()
    bus.handle(Greet, (_, scope) => scope.sleep(60_000).then(() => ''))
    const greeting = clock.until(bus.execute(Greet, { name: 'Ada' }, { timeout: 1000 }))

    expect(await rejection(greeting)).toMatchObject({ code: 'TIMED_OUT' })
  })

  test('rejects when the work waits and no timer is set', async () => {
    const stuck = virtualClock().until(new Promise(() => undefined))

    expect(await rejection(stuck)).toMatchObject({
      name: 'AssertionError',
      message: 'It never ends: it waits, and no timer is set.',
    })
  })

  test('has patience with what takes real time', async () => {
    const real = new Promise((resolve) => setTimeout(resolve, 20, 'done'))

    expect(await virtualClock().until(real, { patience: 5000 })).toBe('done')
  })
})
