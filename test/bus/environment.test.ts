import { BuslineError, MessageBus, type Bus } from 'busline'
import { virtualClock } from 'busline/testing'
import { describe, expect, test, vi } from 'vitest'
import { Carry, Greet, Greeted } from './fixtures/greeting.ts'
import { deferred, idle, rejection } from './fixtures/promises.ts'
import { recordedBus, recordsOf } from './fixtures/recorded-bus.ts'
import { waitingTimers } from './fixtures/waiting-timers.ts'

describe('clock, ids and randomness', () => {
  test('are those that the bus was given: on the bus, in scopes, for participants and in the journal', async () => {
    let draws = 0
    const { bus, journal } = recordedBus({ now: () => 5000, newId: () => 'fixed', random: () => ++draws / 8 })
    let view: Bus = bus
    bus.attach((given) => {
      view = given
    })
    bus.handle(Carry, (_, scope) => [scope.now(), scope.newId(), scope.random()])

    expect(await bus.execute(Carry, 1)).toEqual([5000, 'fixed', 0.125])
    expect([bus.now(), bus.newId(), bus.random()]).toEqual([5000, 'fixed', 0.25])
    expect([view.now(), view.newId(), view.random()]).toEqual([5000, 'fixed', 0.375])
    expect(journal.records.map(({ time }) => time)).toEqual([5000, 5000, 5000])
    expect(recordsOf(journal, 'command')).toMatchObject([{ id: 'fixed-1' }])
  })

  test('decide the jitter of a retry', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus({ ...clock, random: () => 0.5 })
    const attempts: number[] = []
    bus.on(
      Greeted,
      () => {
        attempts.push(clock.now())
        throw new Error('no')
      },
      { retry: { attempts: 3, delay: 100 } },
    )
    bus.publish(Greeted, { name: 'Ada' })
    await clock.advance(1000)

    expect(attempts).toEqual([1000, 1050, 1150])
  })

  test('by default are the real ones', () => {
    const bus = new MessageBus()

    expect(Math.abs(bus.now() - Date.now())).toBeLessThan(1000)
    expect(bus.newId()).toMatch(/^[0-9a-z]{10}$/)
    expect(bus.newId()).not.toBe(bus.newId())
    expect(bus.random()).toBeGreaterThanOrEqual(0)
    expect(bus.random()).toBeLessThan(1)
  })
})

describe('the injected `after`', () => {
  test('is what timeouts, retries, stops, waits and sleeps wait with: none of them touches a real timer', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const timers = waitingTimers()
    bus.handle(Carry, (_, scope) => scope.sleep(1000))
    bus.handle(Greet, async () => {
      await new Promise(() => undefined)
      return ''
    })
    bus.on(Greeted, () => Promise.reject(new Error('no')), { retry: 2, timeout: 500 })
    const outcomes = [
      bus.execute(Carry, 1),
      rejection(bus.execute(Greet, { name: 'Ada' }, { timeout: 100 })),
      rejection(bus.waitFor(Greeted, { timeout: 100, where: () => false })),
      bus.publish(Greeted, { name: 'Ada' }).settled,
    ]
    await idle()
    expect(timers()).toBe(0)
    await clock.advance(1000)

    expect(await Promise.all(outcomes)).toMatchObject([
      undefined,
      { code: 'TIMED_OUT' },
      { code: 'TIMED_OUT' },
      { failed: 1 },
    ])
    expect(clock.pending).toBe(0)
  })

  test('is not trusted to prevent twice, nor to prevent only what has not run', async () => {
    const undone: number[] = []
    const runs: (() => void)[] = []
    const bus = new MessageBus({
      after: (ms, run) => {
        runs.push(run)
        return () => void undone.push(ms)
      },
    })
    const off = bus.after(5, () => undefined)
    off()
    off()

    expect(undone).toEqual([5])
    expect(runs).toHaveLength(1)
  })
})

describe('a clock that goes backwards', () => {
  test('makes no duration less than nothing, neither in the journal nor for probes', async () => {
    let now = 10_000
    const { bus, journal } = recordedBus({ now: () => (now -= 100) })
    const measured: number[] = []
    bus.handle(Carry, (input) => input)
    await bus.execute(Carry, 1)
    bus.probe({
      commandEnded: (_, { ms }) => void measured.push(ms),
      deliveryEnded: (_, { ms }) => void measured.push(ms),
    })
    bus.on(Greeted, () => undefined)
    await bus.execute(Carry, 1)
    await bus.publish(Greeted, { name: 'Ada' }).settled

    expect(recordsOf(journal, 'result').map((record) => record['ms'])).toEqual([0, 0])
    expect(measured).toEqual([0, 0])
  })

  test('makes none in the journal of a tap that came while the command ran', async () => {
    let now = 10_000
    const bus = new MessageBus({ now: () => (now -= 100) })
    const measured: unknown[] = []
    bus.handle(Carry, () => {
      bus.tap((record) => void measured.push(record['ms']))
      return 1
    })
    await bus.execute(Carry, 1)

    expect(measured).toEqual([0])
  })
})

describe('bus.after', () => {
  test('runs something once, that long from now', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const runs: number[] = []
    bus.after(50, () => runs.push(clock.now()))
    await clock.advance(1000)

    expect(runs).toEqual([1050])
  })

  test('runs nothing that was undone, however often; to undo what has run is no error', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    let runs = 0
    const undone = bus.after(50, () => void runs++)
    const ran = bus.after(50, () => void runs++)
    undone()
    undone()
    {
      using _ = bus.after(50, () => void runs++)
    }
    await clock.advance(50)
    ran()

    expect(runs).toBe(1)
    expect(clock.pending).toBe(0)
  })

  test.each<[string, () => void]>([
    [
      'at once',
      () => {
        throw new BuslineError('FILE_FAILED', 'no')
      },
    ],
    // oxlint-disable-next-line typescript/no-misused-promises -- TypeScript lets it pass, so users will do it.
    ['later', async () => Promise.reject(new BuslineError('FILE_FAILED', 'no'))],
  ])('notes what fails %s, and harms nobody', async (_, run) => {
    const clock = virtualClock({ start: 1000 })
    const { bus, journal } = recordedBus(clock)
    let others = 0
    bus.after(5, run)
    bus.after(5, () => void others++)
    await clock.advance(5)

    expect(others).toBe(1)
    expect(recordsOf(journal, 'note', 'bus.timerFailed')).toMatchObject([
      { data: { error: { code: 'FILE_FAILED' } } },
    ])
  })

  test('of a participant leaves with it', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    let runs = 0
    const off = bus.attach(async (view) => {
      view.after(5, () => void runs++)
      await idle()
      view.after(5, () => void runs++)
    })
    off()
    await idle()
    await clock.advance(5)

    expect(runs).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('of a participant is forgotten when it has run, so that a ticking one does not grow', async () => {
    const undone: number[] = []
    const clock = virtualClock({ start: 1000 })
    const after = (ms: number, run: () => void): (() => void) => {
      const prevent = clock.after(ms, run)
      return () => {
        undone.push(ms)
        prevent()
      }
    }
    const { bus } = recordedBus({ now: clock.now, after })
    let ticks = 0
    const off = bus.attach((view) => {
      const tick = (): void => {
        ticks++
        view.after(10, tick)
      }
      tick()
    })
    await clock.advance(1000)
    undone.length = 0
    off()
    await idle()

    expect(ticks).toBe(101)
    expect(undone).toEqual([10])
    expect(clock.pending).toBe(0)
  })

  test('runs while the bus drains, but not when it has stopped', async () => {
    const clock = virtualClock({ start: 1000 })
    const { bus } = recordedBus(clock)
    const gate = deferred<string>()
    const runs: string[] = []
    bus.handle(Greet, () => gate.promise)
    void bus.execute(Greet, { name: 'Ada' })
    bus.after(5, () => runs.push(bus.state))
    bus.after(500, () => runs.push('too late'))
    const stopping = bus.stop()
    await clock.advance(5)
    gate.resolve('')
    await stopping
    const off = bus.after(5, () => runs.push('too late'))
    await clock.advance(1000)
    off()

    expect(runs).toEqual(['settling'])
    expect(clock.pending).toBe(0)
  })
})

/** The default is Node's own timer, which can't hold more than 24.8 days: it would end such a one at once. */
test('a real timer of a month does not ring at once', async () => {
  const waiting = waitingTimers()
  await using bus = new MessageBus()
  let rang = false
  bus.after(30 * 24 * 3_600_000, () => (rang = true))
  bus.after(Infinity, () => (rang = true))
  await vi.advanceTimersByTimeAsync(10_000)

  expect(rang).toBe(false)
  expect(waiting()).toBe(2)
  await bus.stop()
  expect(waiting()).toBe(0)
})
