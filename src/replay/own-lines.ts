import type { Expected, RecordedRun } from './recorded-run.ts'
import type { ReplayPlan } from './replay-plan.ts'
import type { ReplayStop } from './replay-stop.ts'
import type { ReplayedBus } from './replayed-bus.ts'
import { LATE_MS, TICK_MS } from './timers-before.ts'

const AFTER_A_MISS_MS = 20
const SOON_MS = 20
/** A handler may wait again and again. */
const MOST_FORCED = 10

/** Waits for lines that the app has to write by itself. */
export class OwnLines {
  #run: RecordedRun
  #plan: ReplayPlan
  #on: ReplayedBus
  #stop: ReplayStop
  /** How many timers have rung for a line that were not due, and for which. */
  #forced = 0
  #at: Expected | undefined
  /** How much was written when a line was missing. */
  #missed = -1

  constructor(parts: { run: RecordedRun; plan: ReplayPlan; on: ReplayedBus; stop: ReplayStop }) {
    this.#run = parts.run
    this.#plan = parts.plan
    this.#on = parts.on
    this.#stop = parts.stop
  }

  /** Comes back when something was written: now, at a timer, or when something real has ended; else the line is missing. */
  async wait(next: Expected): Promise<void> {
    const { time, kind } = next.record
    if (next !== this.#at) this.#forced = 0
    this.#at = next
    // A handler that runs in earnest takes its real time; nobody else's timer rings for it.
    const awaited = this.#on.held.awaited(next)
    if (awaited.some((line) => this.#on.clock.ringWriter(line))) return
    if (awaited.length > 0 && (await this.#comesByItself(this.#plan.patience, next))) return
    if (this.#on.clock.ring(time + TICK_MS) || this.#answerBehind(next)) return
    // No later timer rang if the bus had stopped by then.
    if (kind === 'note' && this.#stop.mayCome(next) && (await this.#stop.begin())) return
    if (this.#on.clock.ring(time + LATE_MS)) return
    if (await this.#comesByItself(SOON_MS)) return
    // It was set later than it seems.
    if (this.#forced++ < MOST_FORCED && this.#on.clock.ringWriter(next)) return
    if (await this.#comesByItself(this.#plan.patience)) return
    if (this.#stop.mayCome(next) && (await this.#stop.begin())) return
    this.#missed = this.#on.journal.written
    this.#on.journal.skip(next)
  }

  /** Whether something is written, or a handler has ended whose answer is held. */
  async #comesByItself(patience: number, held?: Expected): Promise<boolean> {
    const { written } = this.#on.journal
    const { signal } = this.#plan
    // Once a line was missing, the next ones are likely to be: nobody waits as long for each.
    const ms = this.#missed === written ? Math.min(AFTER_A_MISS_MS, patience) : patience
    for (const end = performance.now() + ms; performance.now() < end;) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      signal?.throwIfAborted()
      if (held && this.#on.held.awaited(held).length === 0) return true
      if (this.#on.journal.written !== written || this.#on.journal.isOver) return true
    }
    return false
  }

  /** A middleware may read the clock because an answer has come, before that has a line. */
  #answerBehind({ place, record }: Expected): boolean {
    if (record.type !== 'bus.timeRead') return false
    const { lines } = this.#run
    let behind = lines[place]
    while (behind?.record.type === 'bus.timeRead') behind = lines[behind.place + 1]
    return behind !== undefined && !behind.done && this.#on.answers.take(behind)
  }
}
