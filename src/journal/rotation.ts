import type { SegmentHeader } from '../bus/journal.ts'
import { whyOf } from '../files/file-errors.ts'
import { headerOf } from './header-of.ts'
import type { JournalFile, JournalFiles } from './journal-files.ts'
import type { RotateOptions } from './journal-options.ts'
import { segmentPath } from './segment-names.ts'

/** How many characters come before the size is measured again, and before what failed is tried again. */
const STEP = 64 * 1024

export interface RotationOptions {
  path: string
  file: JournalFile
  files: JournalFiles
  rotate: RotateOptions
  /** The number of the segment that is written. */
  segment: number
  now: () => number
}

/** Knows when a journal's file is full, and gives it its number. */
export class Rotation {
  #options: RotationOptions
  #segment: number
  #begun: number
  /** Bytes when it was last measured. */
  #measured: number
  /** Characters that have come since. */
  #since = 0
  /** Whether it is full, so that another try has to wait. */
  #isFull = false
  #warned = false
  /** Of the bus; before there is one, nothing is rotated, because its lines have to be numbered. */
  header: SegmentHeader | undefined

  constructor(options: RotationOptions) {
    this.#options = options
    this.#segment = options.segment
    this.#begun = headerOf(options.file)?.time ?? options.now()
    this.#measured = options.file.size()
  }

  get segment(): number {
    return this.#segment
  }

  /** Counts a line that was appended, and tells whether the file should be the last one's now. */
  isDue(line: string): boolean {
    this.#since += line.length + 1
    if (this.#since >= STEP) {
      this.#measure()
      this.#isFull = false
    }
    if (this.#isFull || !this.header) return false
    const { bytes = Infinity, ms = Infinity } = this.#options.rotate
    const age = ms === Infinity ? 0 : this.#options.now() - this.#begun
    this.#isFull = this.#measured + this.#since >= bytes || age >= ms
    return this.#isFull
  }

  /**
   * Goes on in a new file: everything that was appended is in the old one. Returns the line that the new one begins with;
   * undefined when it can't be made, so that lines go on in the old one.
   */
  next(): string | undefined {
    const { path, file, files, now } = this.#options
    const run = headerOf(file)?.run
    let number = this.#segment
    try {
      while (files.stat(segmentPath(path, number))) number++
      file.rotate(segmentPath(path, number))
    } catch (error) {
      this.#warn(error)
      return undefined
    }
    this.#segment = number + 1
    this.#begun = now()
    this.#measured = 0
    this.#since = 0
    this.#isFull = false
    this.#warned = false
    return this.header?.(this.#segment, run)
  }

  /** What waits to be written is less than a step, or can't be written. */
  #measure(): void {
    this.#since = 0
    this.#measured = this.#options.file.size()
  }

  #warn(error: unknown): void {
    if (this.#warned) return
    this.#warned = true
    process.emitWarning(
      `The journal ${this.#options.path} can't go on in a new file: ${whyOf(error)}. It goes on in the old one.`,
      { code: 'BUSLINE_JOURNAL_ROTATION' },
    )
  }
}
