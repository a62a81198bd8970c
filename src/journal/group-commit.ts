/** Does a work that takes its time, one run after another; whoever joins during a run shares the next one. */
export class GroupCommit {
  #work: () => Promise<void>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(work: () => Promise<void>) {
    this.#work = work
  }

  /** The run that is on; undefined when none is. */
  get running(): Promise<void> | undefined {
    return this.#running
  }

  /** Settles as a run that begins now or later, never as one that is on already. */
  join(): Promise<void> {
    // First: when a run has ended, whoever waited for it may join again before the next one has begun.
    if (this.#next) return this.#next
    if (!this.#running) return this.#run()
    const run = (): Promise<void> => this.#run()
    this.#next = this.#running.then(run, run)
    return this.#next
  }

  #run(): Promise<void> {
    this.#next = undefined
    const run = this.#work()
    this.#running = run
    const end = (): void => {
      this.#running = undefined
    }
    // First of all that wait for this run, so that the next one finds none on.
    run.then(end, end)
    return run
  }
}
