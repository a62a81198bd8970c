import { afterTimeout } from '../bus/environment.ts'
import type { JournalRecord } from '../bus/journal.ts'
import type { Expected } from './recorded-run.ts'

interface Timer {
  readonly due: number
  /** The message that it was set for, as far as can be told. */
  readonly owner: string | undefined
  /** For a delivery: the subscriber that tries again. */
  readonly subscriber: string | undefined
  readonly run: () => void
}

const SOON_MS = 20

/** A timer is set by the time of the last line, which the replay may write later than the run did. */
const SET_LATE_MS = 5

/** What the clock knows of the journal. */
interface Place {
  readonly next: Expected | undefined
  /** The time of the line before. */
  readonly lastTime: number
  readonly records: readonly JournalRecord[]
}

/** The clock of a replay: the time that the journal tells, and timers that ring when the replay says so. */
export class ReplayClock {
  #timers = new Set<Timer>()
  #place: Place
  #running: () => string | undefined
  #set: number | undefined
  /** When the timer was due that rang last. */
  #rung = 0
  #released = false

  /** @param running the id of the message whose handler runs */
  constructor(place: Place, running: () => string | undefined) {
    this.#place = place
    this.#running = running
  }

  readonly now = (): number => this.#set ?? Math.max(this.#place.lastTime, this.#rung)

  readonly after = (ms: number, run: () => void): (() => void) => {
    if (this.#released) return afterTimeout(Math.min(ms, SOON_MS), run)
    // What waits before another attempt has just told of the one that failed.
    const told = this.#place.records.at(-1)
    const isRetry = told !== undefined && fieldOf(told, 'retryIn') === ms
    const owner = isRetry ? told.cause : (this.#running() ?? told?.cause ?? told?.id)
    const timer = { due: this.now() + ms, owner, subscriber: isRetry ? subscriberIn(told) : undefined, run }
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

  /** Rings the next timer that is due by then; false if none is. One of who writes the next line comes first: a busy
   * process rings what is due in any order. */
  ring(until: number): boolean {
    const next = this.#next(until)
    if (!next) return false
    this.#timers.delete(next)
    this.#rung = next.due
    next.run()
    return true
  }

  #next(until: number): Timer | undefined {
    const { next } = this.#place
    // A set keeps the order in which timers were set, which decides between those due at once.
    let first: Timer | undefined
    let writer: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.due <= until && (!first || timer.due < first.due)) first = timer
      if (!next || timer.due > until + SET_LATE_MS || !mayWrite(timer, next)) continue
      if (!writer || timer.due < writer.due) writer = timer
    }
    return writer ?? first
  }

  /** From now on time is real and short, and what was set before does not ring: the bus stops. */
  release(): void {
    this.#released = true
    this.#timers.clear()
  }
}

function mayWrite({ owner, subscriber }: Timer, { record }: Expected): boolean {
  if (owner === undefined || (owner !== record.of && owner !== record.cause)) return false
  return subscriber === undefined || subscriber === (subscriberIn(record) ?? subscriber)
}

function subscriberIn(record: JournalRecord): string | undefined {
  const name = fieldOf(record, 'subscriber')
  return typeof name === 'string' ? name : undefined
}

function fieldOf({ data }: JournalRecord, name: string): unknown {
  return typeof data === 'object' && data !== null ? Reflect.get(data, name) : undefined
}
