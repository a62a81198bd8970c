import { whyOf } from '../files/file-errors.ts'
import { cannotWrite } from './journal-errors.ts'
import type { JournalFile } from './journal-files.ts'
import { LineQueue } from './line-queue.ts'
import type { LineWriter } from './line-writer.ts'
import { LostLines } from './lost-lines.ts'

/** Milliseconds that a line waits at most. */
const WINDOW = 25
/** Characters that are kept while writing fails: 16 Mi. */
const LIMIT = 16 * 1024 * 1024

/**
 * Class `buffered`: lines are written at 64 KiB or after 25 ms, and `flush` waits for neither. While writing fails they
 * are kept up to a limit, and tried again every 25 ms; what comes beyond it is lost, and a note says so as soon as the
 * file takes lines again. Writes are synchronous also here: a publisher that never yields would otherwise fill the
 * buffer of a healthy file.
 */
export class BufferedWriter implements LineWriter {
  #path: string
  #queue: LineQueue
  #lost = new LostLines()
  #timer: NodeJS.Timeout | undefined
  #warned = false

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
    if (this.failure !== undefined && this.#isFull(line) && this.#lost.add(line)) return
    if (this.#queue.add(line)) this.write()
    else this.#writeSoon()
  }

  flush(): Promise<void> {
    return Promise.resolve()
  }

  write(): void {
    this.#queue.write()
    if (this.failure === undefined && this.#lost.any) {
      this.#queue.add(this.#lost.takeNote())
      this.#queue.write()
    }
    if (this.failure === undefined) {
      this.#warned = false
      return
    }
    this.#warnOnce()
    this.#writeSoon()
  }

  turn(next: () => boolean): void {
    this.write()
    if (this.failure === undefined) next()
  }

  async finish(): Promise<void> {
    this.write()
    if (this.failure !== undefined) throw cannotWrite(this.#path, this.failure)
  }

  async abandon(): Promise<void> {
    clearTimeout(this.#timer)
    this.#queue.clear()
  }

  /** Once a line is lost, so are the next ones until the file has taken all that was kept: one gap, one note. */
  #isFull(line: string): boolean {
    return this.#lost.any || this.#queue.length + line.length > LIMIT
  }

  #writeSoon(): void {
    if (this.#timer) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.write()
    }, WINDOW)
    // A process that has nothing else to do may end: what is left is written then.
    this.#timer.unref()
  }

  #warnOnce(): void {
    if (this.#warned) return
    this.#warned = true
    process.emitWarning(
      `The journal ${this.#path} can't be written: ${whyOf(this.failure)}. It goes on in memory; beyond 16 MiB lines are lost.`,
      { code: 'BUSLINE_JOURNAL_DEGRADED' },
    )
  }
}
