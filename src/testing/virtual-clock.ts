import { AssertionError } from 'node:assert'
import { drive } from './drive.ts'
import { settle } from './settle.ts'

/** A clock that stands until it is told to go on: for `new MessageBus({ now: clock.now, after: clock.after })`. */
export interface VirtualClock {
  /** Epoch milliseconds, whole ones. */
  readonly now: () => number
  /** Runs something once, when the clock has gone on by so many milliseconds; returns how to prevent it. */
  readonly after: (ms: number, run: () => void) => () => void
  /** How many timers wait. */
  readonly pending: number
  /** Goes on by so many milliseconds; timers run in order of time, and what each causes settles before the next. */
  readonly advance: (ms: number) => Promise<void>
  /**
   * Goes on by itself until the work has ended, and returns or throws what came of it: `await clock.until(bus.execute(…))`.
   * Rejects with an `AssertionError` when it waits and no timer is set, after `patience` real milliseconds (default 0) for
   * what has no virtual time, such as files; and when it still waits after 100 000 timers.
   */
  readonly until: <T>(work: Promise<T>, options?: { patience?: number }) => Promise<T>
  /** Goes on to the next timer and runs it; false if none waits. */
  readonly runNext: () => Promise<boolean>
  /** Goes on until no timer waits. Throws after `limit` timers (default 100 000): something sets them for ever. */
  readonly runAll: (limit?: number) => Promise<void>
  /** Sets the time of day, forward or back, without running timers: what an operator or NTP does to a clock. */
  readonly jump: (ms: number) => void
}

interface Timer {
  readonly due: number
  readonly run: () => void
}

/** Makes a clock that stands at `start` (default 2026-01-01, in epoch milliseconds). */
export function virtualClock({ start = Date.UTC(2026, 0, 1) }: { start?: number } = {}): VirtualClock {
  let elapsed = 0
  let offset = start
  const timers = new Set<Timer>()

  const earliest = (): Timer | undefined => {
    let first: Timer | undefined
    // A set keeps the order in which timers were set, which decides between those due at once.
    for (const timer of timers) if (!first || timer.due < first.due) first = timer
    return first
  }
  const ring = async (timer: Timer): Promise<void> => {
    timers.delete(timer)
    elapsed = Math.max(elapsed, timer.due)
    timer.run()
    await settle()
  }
  const advance = async (ms: number): Promise<void> => {
    const end = elapsed + ms
    await settle()
    for (let next = earliest(); next && next.due <= end; next = earliest()) await ring(next)
    elapsed = Math.max(elapsed, end)
  }
  const runNext = async (): Promise<boolean> => {
    await settle()
    const next = earliest()
    if (next) await ring(next)
    return next !== undefined
  }

  return {
    now: () => Math.floor(offset + elapsed),
    after: (ms, run) => {
      const timer = { due: elapsed + Math.max(0, ms), run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    get pending() {
      return timers.size
    },
    advance,
    until: (work, { patience = 0 } = {}) => {
      const stuck = (why: string): Error => new AssertionError({ message: `It never ends: ${why}.` })
      return drive(runNext, work, { patience, stuck })
    },
    runNext,
    runAll: async (limit = 100_000) => {
      for (let count = 0; await runNext(); count++)
        if (count >= limit) throw new RangeError(`${limit} timers have run and more are set.`)
    },
    jump: (ms) => {
      offset += ms
    },
  }
}
