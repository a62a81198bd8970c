import { afterTimeout } from '../bus/environment.ts'
import type { JournalRecord } from '../bus/journal.ts'
import { isCancel } from './line-kinds.ts'
import { isBySubscriber, rangLate, type Owner } from './lines-by-owner.ts'
import type { Expected } from './recorded-run.ts'
import { LATE_MS, NOTED_LATE_MS, timersBefore } from './timers-before.ts'

interface Timer extends Owner {
  readonly due: number
  /** Whether the journal has a note of it if it rang late. */
  readonly isNoted: boolean
  readonly lateNote: Expected | undefined
  /** Whether a handler waits for it, and for nothing else. */
  readonly isSleep: boolean
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
  /** What the owner of a timer writes next. */
  nextOf(owner: Owner): Expected | undefined
}

/** The clock of a replay: the time that the journal tells, and timers that ring when the replay says so. */
export class ReplayClock {
  /** A set keeps the order in which timers were set, which decides between those due at once. */
  #timers = new Set<Timer>()
  #place: Place
  #running: () => string | undefined
  #set: number | undefined
  /** When the timer was due that rang last. */
  #rung = 0
  #last: { due: number; owner: string | undefined; written: number } | undefined
  #released = false

  /** @param running the id of the message whose handler runs */
  constructor(place: Place, running: () => string | undefined) {
    this.#place = place
    this.#running = running
  }

  readonly now = (): number => this.#set ?? Math.max(this.#place.lastTime, this.#rung)

  readonly after = (ms: number, run: () => void): (() => void) => {
    const told = this.#place.records.at(-1)
    const owner = this.#running() ?? told?.cause ?? told?.id
    return this.setTimer(
      { owner, subscriber: undefined, isSleep: false, isNoted: false, lateNote: undefined },
      ms,
      run,
    )
  }

  setTimer(whose: Omit<Timer, 'due' | 'run'>, ms: number, run: () => void): () => void {
    if (this.#released) return afterTimeout(Math.min(ms, SOON_MS), run)
    const timer: Timer = { ...whose, due: this.#timeOf(whose) + ms, run }
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

  /** Rings a timer that rang before this line was written; false if none is left. */
  ringBefore(line: Expected): boolean {
    return this.#ring(this.#before(line))
  }

  /** Whether there is a timer that {@link ReplayClock.ringBefore} would ring. */
  isDueBefore(line: Expected): boolean {
    return this.#before(line) !== undefined
  }

  /**
   * Rings a timer that may bring the next line about, due by then; false if none is. One of who writes it comes first, then
   * one that tells of itself by nothing, then one whose owner writes something a little later.
   */
  ring(until: number): boolean {
    const { next } = this.#place
    const isDue = (timer: Timer): boolean => timer.due <= until && !this.#isToCome(timer)
    const writer =
      next &&
      this.#first(
        (timer) => timer.due <= until + SET_LATE_MS && mayWrite(timer, next) && !this.#isToCome(timer),
      )
    return this.#ring(
      writer ?? this.#first((timer) => isDue(timer) && !this.#isToldSoon(timer)) ?? this.#first(isDue),
    )
  }

  /** Rings the next timer of who writes a line, whenever it is due; false if it has none. */
  ringWriter(line: Expected): boolean {
    return this.#ring(
      this.#first((timer) => timer.isSleep && mayWrite(timer, line) && !this.#isToCome(timer)),
    )
  }

  /** From now on time is real and short, and what was set before does not ring: the bus stops. */
  release(): void {
    this.#released = true
    this.#timers.clear()
  }

  #before(line: Expected): Timer | undefined {
    const until = timersBefore(line)
    return this.#first((timer) => {
      if (this.#isToCome(timer)) return false
      if (timer.isNoted && timer.due + NOTED_LATE_MS < line.record.time) return true
      return timer.due <= until && !this.#isToldSoon(timer)
    })
  }

  /** Whether what its owner writes next may be what it does when it rings. */
  #isToldSoon(timer: Timer): boolean {
    const next = this.#place.nextOf(timer)
    return next !== undefined && next.record.time <= timer.due + (timer.isNoted ? NOTED_LATE_MS : LATE_MS)
  }

  /** Whether a later line tells that it rang then. */
  #isToCome({ lateNote }: Timer): boolean {
    return lateNote !== undefined && !lateNote.done && lateNote !== this.#place.next
  }

  #first(isIt: (timer: Timer) => boolean): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) if ((!first || timer.due < first.due) && isIt(timer)) first = timer
    return first
  }

  /** When something is set: what goes on after a timer that rang on time goes on then, however late the replay rings it. */
  #timeOf({ owner }: Owner): number {
    const last = this.#last
    const goesOn = last && last.owner === owner && last.written === this.#place.records.length
    return goesOn && this.#set === undefined ? last.due : this.now()
  }

  #ring(timer: Timer | undefined): boolean {
    if (!timer) return false
    this.#timers.delete(timer)
    this.#rung = timer.due
    this.#last = { due: timer.due, owner: timer.owner, written: this.#place.records.length }
    timer.run()
    return true
  }
}

function mayWrite(timer: Timer, line: Expected): boolean {
  const { record } = line
  if (rangLate(record)) return timer.lateNote === line
  // That is written from outside, whoever it concerns.
  if (isCancel(record)) return false
  const { owner } = timer
  if (owner === undefined || (owner !== record.of && owner !== record.cause)) return false
  return isBySubscriber(timer, record)
}
