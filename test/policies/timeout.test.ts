import { timeout } from 'busline'
import { describe, expect, test } from 'vitest'
import { thrownBy } from '../bus/fixtures/promises.ts'
import { clockedBus } from './fixtures/clocked-bus.ts'
import { outcomeOf, Work, Worked } from './fixtures/work.ts'

describe('timeout', () => {
  test('fails a command that takes longer with TIMED_OUT, at that time', async () => {
    const { bus, clock } = clockedBus()
    bus.use(timeout(50), { for: [Work] })
    bus.handle(Work, () => new Promise<number>(() => undefined))
    const outcome = outcomeOf(bus.execute(Work, { n: 1 }))
    await clock.advance(49)
    expect(outcome.now).toBe('pending')

    await clock.advance(1)
    expect(outcome.now).toBe('TIMED_OUT')
  })

  test("aborts the handler's signal, and leaves a command that is in time alone", async () => {
    const { bus, clock } = clockedBus()
    const aborted: number[] = []
    bus.use(timeout(50), { for: [Work] })
    bus.handle(Work, async ({ n }, scope) => {
      scope.signal.addEventListener('abort', () => aborted.push(n))
      await scope.sleep(n)
      return n
    })
    const outcomes = [49, 51].map((n) => outcomeOf(bus.execute(Work, { n })))
    await clock.advance(2000)

    expect(outcomes).toEqual([{ now: 49 }, { now: 'TIMED_OUT' }])
    expect(aborted).toEqual([51])
    expect(clock.pending).toBe(0)
  })

  test('fails a delivery that takes longer', async () => {
    const { bus, clock } = clockedBus()
    bus.use(timeout(50), { for: [Worked] })
    bus.on(Worked, () => new Promise(() => undefined))
    const { settled } = bus.publish(Worked, { n: 1 })
    await clock.advance(50)

    expect(await settled).toMatchObject({ failed: 1 })
  })

  test.each([0, -1, NaN, Infinity])('refuses %d ms', (ms) => {
    expect(thrownBy(() => timeout(ms))).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'ms' } })
  })

  test('is named in stack traces like in the configuration', () => {
    expect(timeout(1).name).toBe('timeout')
  })
})
