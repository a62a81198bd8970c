import { afterTimeout } from '../bus/environment.ts'

interface Timer {
  readonly due: number
  readonly run: () => void
}

const SOON_MS = 20

/** The clock of a replay: the time that the journal tells, and timers that ring when the replay says so. */
export class ReplayClock {
  #timers = new Set<Timer>()
  #since: () => number
  #set: number | undefined
  /** When the timer was due that rang last. */
  #rung = 0
  #released = false

  /** @param since the time of the line before */
  constructor(since: () => number) {
    this.#since = since
  }

  readonly now = (): number => this.#set ?? Math.max(this.#since(), this.#rung)

  readonly after = (ms: number, run: () => void): (() => void) => {
    if (this.#released) return afterTimeout(Math.min(ms, SOON_MS), run)
    const timer = { due: this.now() + ms, run }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** The time that was set, while it is; see {@link ReplayClock.at}. */
  get time(): number | undefined {
    return this.#set
  }

  /** Does some work at another time. */
  at(time: number, work: () => void): void {
    this.#set = time
    try {
      work()
    } finally {
      this.#set = undefined
    }
  }

  /** Rings the next timer that is due by then; false if none is. */
  ring(until: number): boolean {
    let next: Timer | undefined
    // A set keeps the order in which timers were set, which decides between those due at once.
    for (const timer of this.#timers) if (timer.due <= until && (!next || timer.due < next.due)) next = timer
    if (!next) return false
    this.#timers.delete(next)
    this.#rung = next.due
    next.run()
    return true
  }

  /** From now on time is real and short: nothing is worth waiting for any more. */
  release(): void {
    this.#released = true
    for (const { run } of this.#timers) afterTimeout(SOON_MS, run)
    this.#timers.clear()
  }
}
