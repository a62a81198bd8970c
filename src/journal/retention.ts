import { whyOf } from '../files/file-errors.ts'
import { blobPath } from './blob-reference.ts'
import { hashesIn } from './hashes-in.ts'
import type { JournalFiles } from './journal-files.ts'
import type { KeepOptions } from './journal-options.ts'
import { numberOf, segmentPath } from './segment-names.ts'
import { asked, isSegmentOf } from './segment-owner.ts'
import { fullSegments } from './segments.ts'

/** Which blob a file in their folder is. */
const BLOB = /^(sha256-[0-9a-f]{64})\.json$/

export interface RetentionOptions {
  path: string
  files: JournalFiles
  keep: KeepOptions
  /** The folder of the blobs. */
  blobs: string
  /** The segment that is written, and whether it or one before has lines of an earlier process. */
  segment: number
  isContinued: boolean
  now: () => number
  /** Told of a blob that is there no more. */
  onRemoved: (hash: string) => void
}

/** Deletes the oldest full segments of a journal, and the blobs that no other refers to. A failure is one warning. */
export class Retention {
  #options: RetentionOptions
  #segment: number
  /** In which segment a blob was referred to last. */
  #lastUse = new Map<string, number>()
  /** Whether all references are in the map: those of earlier processes are read when they matter. */
  #knowsAll: boolean
  #warned = false
  /** What is going on; settles when no file is read or deleted any more. */
  #work: Promise<void> = Promise.resolve()

  constructor(options: RetentionOptions) {
    this.#options = options
    this.#segment = options.segment
    this.#knowsAll = !options.isContinued
  }

  /** A line that comes next refers to a blob; it goes to this segment, or to the next one. */
  refer(hash: string, segment: number): void {
    this.#lastUse.set(hash, segment)
  }

  /** A segment is full, and `segment` is written from now on. */
  rotated(segment: number): void {
    this.#segment = segment
    try {
      if (this.#removeSegments()) this.#work = this.#work.then(() => this.#removeBlobs())
    } catch (error) {
      this.#warn(error)
    }
  }

  idle(): Promise<void> {
    return this.#work
  }

  /** Tells whether it removed any. */
  #removeSegments(): boolean {
    const { files, keep, now } = this.#options
    const { segments = Infinity, bytes = Infinity, ms = Infinity } = keep
    const all = this.#segments().map((path) => ({ path, ...(files.stat(path) ?? { bytes: 0, changed: 0 }) }))
    let first = Math.max(0, all.length - segments)
    let total = all.slice(first).reduce((sum, segment) => sum + segment.bytes, 0)
    for (let oldest = all[first]; oldest; oldest = all[++first]) {
      if (total <= bytes && now() - oldest.changed <= ms) break
      total -= oldest.bytes
    }
    const removed = all.slice(0, first).filter(({ path }) => this.#remove(path))
    return removed.length > 0
  }

  /** Only what says itself that it is a segment: a file of somebody else may have such a name. */
  #remove(path: string): boolean {
    const { files } = this.#options
    const isOwn = asked(files, path, (file) => isSegmentOf(file, numberOf(path) ?? 0)) === true
    if (isOwn) files.remove(path)
    else this.#warn(new Error(`${path} does not begin with a header of it`))
    return isOwn
  }

  async #removeBlobs(): Promise<void> {
    const { files, blobs } = this.#options
    try {
      if (files.list(blobs).length === 0) return
      if (!this.#knowsAll) await this.#readReferences()
      const [oldest = this.#segment] = fullSegments(this.#options.path, files)
      // From here on in one go: nobody refers to a blob between the look and its end.
      for (const name of files.list(blobs)) {
        const hash = BLOB.exec(name)?.[1]
        if (hash === undefined || (this.#lastUse.get(hash) ?? 0) >= oldest) continue
        files.remove(blobPath(blobs, hash))
        this.#lastUse.delete(hash)
        this.#options.onRemoved(hash)
      }
    } catch (error) {
      this.#warn(error)
    }
  }

  async #readReferences(): Promise<void> {
    const { path, files } = this.#options
    for (const file of [...this.#segments(), path]) {
      // What comes back from the segments counts for the newest: rather too long than too short.
      for (const hash of hashesIn(files.load(file) ?? new Uint8Array())) {
        const number = numberOf(file) ?? this.#segment
        this.#lastUse.set(hash, Math.max(number, this.#lastUse.get(hash) ?? 0))
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#knowsAll = true
  }

  #segments(): string[] {
    const { path, files } = this.#options
    return fullSegments(path, files).map((number) => segmentPath(path, number))
  }

  #warn(error: unknown): void {
    if (this.#warned) return
    this.#warned = true
    process.emitWarning(
      `Old segments of the journal ${this.#options.path} can't be removed: ${whyOf(error)}.`,
      {
        code: 'BUSLINE_JOURNAL_RETENTION',
      },
    )
  }
}
