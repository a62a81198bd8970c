/** How the lines of one durability class get into the file: when they are written, and what a flush waits for. */
export interface LineWriter {
  append(line: string): void
  /** Resolves when everything appended is as durable as the class promises; `JOURNAL_FAILED` when it can't be. */
  flush(): Promise<void>
  /** Hands everything to the kernel at once, also for a class that takes its time: the process ends. */
  write(): void
  /**
   * Has everything appended in the file, and durable if the class syncs, then calls `next` before another line comes. That
   * tells whether the file is another one now, which was empty. When writing fails, or lines are lost, `next` waits for the
   * next try.
   */
  turn(next: () => boolean): void
  /** Resolves when everything appended is in the file, and durable if the class syncs. */
  finish(): Promise<void>
  /** Whether `finish` has something to do. */
  readonly isBehind: boolean
  /** Why lines can't be written; undefined when they can. */
  readonly failure: unknown
  /** Lets go of what could not be written; once it resolves, the file is not touched any more. */
  abandon(): Promise<void>
}
