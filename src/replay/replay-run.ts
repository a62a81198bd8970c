import { Arrivals } from './arrivals.ts'
import { isAbandoned, isBrokenOff, isCancel, isInbound } from './line-kinds.ts'
import { OwnLines } from './own-lines.ts'
import type { Expected, RecordedRun } from './recorded-run.ts'
import type { ReplayJournal } from './replay-journal.ts'
import type { ReplayPlan } from './replay-plan.ts'
import { ReplayStop } from './replay-stop.ts'
import { ReplayedBus } from './replayed-bus.ts'
import { LATE_MS } from './timers-before.ts'

/** Timers and copies that one line may take. */
const MOST_ROUNDS = 10_000

/** Runs one run again. Returns the journal that this wrote. */
export async function replayRun(run: RecordedRun, plan: ReplayPlan): Promise<ReplayJournal> {
  const replay = new RunReplay(run, plan)
  return await replay.play()
}

/** Asks one question again and again: what has to happen so that the journal's next line is written? */
class RunReplay {
  #run: RecordedRun
  #plan: ReplayPlan
  #on: ReplayedBus
  #arrivals: Arrivals
  #stop: ReplayStop
  #ownLines: OwnLines
  #rounds = 0
  #roundsAt: Expected | undefined

  constructor(run: RecordedRun, plan: ReplayPlan) {
    this.#run = run
    this.#plan = plan
    this.#on = new ReplayedBus(run, plan)
    this.#arrivals = new Arrivals(run, this.#on)
    this.#stop = new ReplayStop(run, this.#on)
    this.#ownLines = new OwnLines({ run, plan, on: this.#on, stop: this.#stop })
  }

  async play(): Promise<ReplayJournal> {
    const { app, signal, pause } = this.#plan
    const { bus, journal } = this.#on
    try {
      bus.attach(app)
      await this.#quiet()
      for (let { next } = journal; next && !journal.isOver; { next } = journal) {
        signal?.throwIfAborted()
        this.#boundRunaway(next)
        await pause?.(next.line)
        await this.#quiet()
        // What the pause or the quiet brought about comes first.
        if (journal.next === next && !journal.isOver) await this.#bringAbout(next)
      }
      // A run that was killed has no end; what comes after it now is no difference.
      if (!journal.isOver && this.#run.hasEnded) await this.#quiet()
    } finally {
      await this.#on.end()
    }
    return journal
  }

  async #bringAbout(next: Expected): Promise<void> {
    if (isAbandoned(next.record) && this.#stop.mayCome(next)) await this.#stop.begin()
    else if (!this.#act(next)) await this.#ownLines.wait(next)
  }

  /** Brings the next line about, if that is for the replay to do; whether it did something. */
  #act(next: Expected): boolean {
    const { clock, answers, held } = this.#on
    const { record } = next
    // A cancel writes what was streamed before it.
    const behind = answers.batches.behind(next)
    if (behind && isCancel(behind.record)) {
      if (clock.ringBefore(behind) || this.#arrivals.cancel(behind)) return true
    }
    if (clock.ringBefore(next) || this.#arrivals.stream(record)) return true
    const isStillOn = isBrokenOff(record) && answers.signalOf(record)?.aborted === false
    if (isStillOn && clock.ring(record.time + LATE_MS)) return true
    if (held.release(next) || answers.take(next)) return true
    return isInbound(record) && this.#arrivals.send(next)
  }

  /** An app that does something else for ever would never come to an end of its own. */
  #boundRunaway(next: Expected): void {
    this.#rounds = next === this.#roundsAt ? this.#rounds + 1 : 0
    this.#roundsAt = next
    if (this.#rounds > MOST_ROUNDS) this.#on.journal.skip(next)
  }

  /** Waits until whoever can go on has gone on. */
  async #quiet(): Promise<void> {
    const { journal } = this.#on
    for (let rounds = 0, { written } = journal; rounds < 2; rounds++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (journal.written === written) continue
      written = journal.written
      rounds = -1
    }
  }
}
