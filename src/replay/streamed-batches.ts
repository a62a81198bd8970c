import type { Expected, RecordedRun } from './recorded-run.ts'

/** Batches of deltas that have been published and not been written yet. */
export class StreamedBatches {
  #run: RecordedRun
  #batches = new Set<Expected>()

  constructor(run: RecordedRun) {
    this.#run = run
  }

  add(batch: Expected): void {
    if (!batch.done) this.#batches.add(batch)
  }

  has(line: Expected): boolean {
    return this.#batches.has(line)
  }

  /** The line, or the next one that is no such batch. */
  behind(line: Expected): Expected | undefined {
    let at: Expected | undefined = line
    while (at && (at.done || this.#batches.has(at))) {
      if (at.done) this.#batches.delete(at)
      at = this.#run.lines[at.place + 1]
    }
    return at
  }
}
