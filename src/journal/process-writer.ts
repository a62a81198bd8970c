import { cannotWrite } from './journal-errors.ts'
import type { JournalFile } from './journal-files.ts'
import { LineQueue } from './line-queue.ts'
import type { LineWriter } from './line-writer.ts'
import { onceATick } from './once-a-tick.ts'

/** Class `process`: lines go to the kernel at the end of the tick, at 64 KiB, and by `flush`, which waits for nothing. */
export class ProcessWriter implements LineWriter {
  #path: string
  #queue: LineQueue
  #writeSoon = onceATick(() => this.write())

  constructor(path: string, file: JournalFile) {
    this.#path = path
    this.#queue = new LineQueue(file)
  }

  get isBehind(): boolean {
    return this.#queue.length > 0
  }

  get failure(): unknown {
    return this.#queue.failure
  }

  append(line: string): void {
    if (this.#queue.add(line)) this.write()
    else this.#writeSoon()
  }

  flush(): Promise<void> {
    this.write()
    return this.failure === undefined
      ? Promise.resolve()
      : Promise.reject(cannotWrite(this.#path, this.failure))
  }

  write(): void {
    this.#queue.write()
  }

  turn(next: () => boolean): void {
    this.write()
    if (this.failure === undefined) next()
  }

  finish(): Promise<void> {
    return this.flush()
  }

  async abandon(): Promise<void> {
    this.#queue.clear()
  }
}
