import { faults, testBus, type FaultOptions, type InjectedFault } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import { Carried, Greet, Greeted, Moved, Pay } from '../bus/fixtures/greeting.ts'

/** Greets 200 times, and tells what came of it. */
async function greetings(
  options: FaultOptions,
): Promise<{ injected: readonly InjectedFault[]; outcomes: unknown[]; runs: number; ended: number[] }> {
  const { bus, clock } = testBus()
  const layer = faults(options)
  let runs = 0
  bus.use(layer)
  bus.handle(Greet, ({ name }) => `Hello, ${name}! (${++runs})`)
  const ended: number[] = []
  const greeting = Array.from({ length: 200 }, () =>
    bus
      .execute(Greet, { name: 'Ada' })
      .catch((error: unknown) => error)
      .finally(() => ended.push(clock.now() - Date.UTC(2026, 0, 1))),
  )
  await clock.runAll()
  const outcomes = await Promise.all(greeting)
  await bus.stop()
  return { injected: layer.injected, outcomes, runs, ended }
}

describe('faults', () => {
  test('are none by default', async () => {
    const { injected, runs } = await greetings({})
    expect([injected.length, runs]).toEqual([0, 200])
  })

  test('make calls fail with FAULT_INJECTED, some before and some after their work', async () => {
    const { injected, outcomes, runs } = await greetings({ fail: 0.5 })
    const before = injected.filter(({ fault }) => fault === 'failedBefore').length
    const after = injected.filter(({ fault }) => fault === 'failedAfter').length
    expect(Math.min(before, after)).toBeGreaterThan(20)
    expect(runs).toBe(200 - before)
    const failed = outcomes.filter((outcome) => outcome instanceof Error)
    expect(failed).toHaveLength(before + after)
    expect(failed[0]).toMatchObject({
      code: 'FAULT_INJECTED',
      message: expect.stringContaining('people.greet'),
    })
  })

  test('hold calls up for as long as they may', async () => {
    const { injected, ended } = await greetings({ delay: 0.5, longest: 100 })
    const delayed = ended.filter((ms) => ms > 0)
    expect(delayed).toHaveLength(injected.length)
    expect(Math.max(...delayed)).toBeLessThanOrEqual(100)
    expect(Math.max(...delayed)).toBeGreaterThan(80)
  })

  test('run work twice, and hand the second result on', async () => {
    const { injected, runs, outcomes } = await greetings({ duplicate: 1 })
    expect([injected.length, runs]).toEqual([200, 400])
    // All first runs begin before any second one.
    const second = Array.from({ length: 200 }, (_, call) => `Hello, Ada! (${201 + call})`)
    expect(outcomes).toEqual(second)
  })

  test('are the same for the same seed, and others for another', async () => {
    const likely = { fail: 0.2, delay: 0.2, duplicate: 0.2 }
    const { injected } = await greetings({ ...likely, seed: 5 })
    expect((await greetings({ ...likely, seed: 5 })).injected).toEqual(injected)
    expect((await greetings({ ...likely, seed: 6 })).injected).not.toEqual(injected)
  })

  test('keep to what they are for: definitions, types and patterns', async () => {
    const { bus } = testBus()
    const layer = faults({ fail: 1, for: [Greeted, 'things.carried', 'money.*'] })
    bus.use(layer)
    bus.handle(Greet, () => 'Hello!')
    bus.handle(Pay, () => 'paid')
    bus.on([Greeted, Carried, Moved], () => undefined)
    bus.publish(Greeted, { name: 'Ada' })
    bus.publish(Carried, 1)
    bus.publish(Moved, { key: 'a', n: 1 })
    await expect(bus.execute(Pay, { amount: 1 })).rejects.toMatchObject({ code: 'FAULT_INJECTED' })
    expect(await bus.execute(Greet, { name: 'Ada' })).toBe('Hello!')
    await bus.stop()

    expect(new Set(layer.injected.map(({ type }) => type))).toEqual(
      new Set(['people.greeted', 'things.carried', 'money.pay']),
    )
  })

  test('are drawn from whatever randomness they are given', async () => {
    const { injected } = await greetings({ fail: 0.5, random: () => 0.4 })
    expect(injected.map(({ fault }) => fault)).toEqual(Array.from({ length: 200 }, () => 'failedBefore'))
  })

  test('of a delivery are retried and dead-lettered like any other failure', async () => {
    const { bus, clock } = testBus()
    bus.use(faults({ fail: 1, for: [Greeted] }))
    bus.on(Greeted, () => undefined, { name: 'log', retry: 2 })
    bus.publish(Greeted, { name: 'Ada' })
    await clock.runAll()

    expect(bus.deadLetters.list()).toMatchObject([
      { subscriber: 'log', attempts: 2, error: { code: 'FAULT_INJECTED' } },
    ])
    await bus.stop()
  })
})
