import type { MessageBus } from '../bus/message-bus.ts'
import { isOfStop } from './line-kinds.ts'
import type { Expected, RecordedRun } from './recorded-run.ts'
import type { ReplayClock } from './replay-clock.ts'
import type { ReplayJournal } from './replay-journal.ts'

/** The stop with which a run ended, as far as it gave up work. */
export class ReplayStop {
  #run: RecordedRun
  #bus: MessageBus
  #journal: ReplayJournal
  #clock: ReplayClock
  #hasBegun = false

  constructor(run: RecordedRun, parts: { bus: MessageBus; journal: ReplayJournal; clock: ReplayClock }) {
    this.#run = run
    this.#bus = parts.bus
    this.#journal = parts.journal
    this.#clock = parts.clock
  }

  /** Whether the lines that are left may be those of the run's stop. */
  mayCome({ place }: Expected): boolean {
    if (this.#hasBegun) return false
    for (let at = place, line = this.#run.lines[at]; line; line = this.#run.lines[++at])
      if (!line.done && !isOfStop(line.record)) return false
    return true
  }

  /** Stops the bus as the run did; whether that wrote anything. */
  async begin(): Promise<boolean> {
    const { written } = this.#journal
    this.#hasBegun = true
    this.#clock.release()
    const stop = { isOver: false }
    void this.#bus
      .stop({ deadline: 0 })
      .catch(() => undefined)
      .finally(() => (stop.isOver = true))
    while (this.#journal.written === written && !stop.isOver)
      await new Promise((resolve) => setTimeout(resolve, 1))
    return this.#journal.written !== written
  }
}
