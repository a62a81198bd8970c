import { unsubscribe, type Unsubscribe } from './unsubscribe.ts'

/** What a bus takes from the world. Tests and replays put something of their own in its place. */
export interface Environment {
  /** The time of day: epoch milliseconds. */
  readonly now: () => number
  /** For durations: milliseconds since some start. */
  readonly elapsed: () => number
  /** A random id of `[0-9a-z]`. */
  readonly newId: () => string
  /** A random number from 0 up to 1. */
  readonly random: () => number
  /** An id, and a number, for a handler: they follow from its message, unless they were injected. */
  readonly idFor: (draw: string) => string
  readonly numberFor: (draw: string) => number
  /** Whether the time of day was injected, so that a replay can be given the same. */
  readonly ownClock: boolean
  /** Runs something once, `ms` milliseconds from now; the undo prevents it. */
  readonly after: (ms: number, run: () => void) => Unsubscribe
}

/** The longest that one timer of Node can wait (24.8 days); a longer one would end at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/** The default of {@link Environment.after}: `setTimeout`, for any length of time. */
export function afterTimeout(ms: number, run: () => void): Unsubscribe {
  let timer: NodeJS.Timeout
  const wait = (left: number): void => {
    const step = Math.min(left, LONGEST_TIMER)
    timer = setTimeout(() => (left > step ? wait(left - step) : run()), step)
  }
  wait(ms)
  return unsubscribe(() => clearTimeout(timer))
}
