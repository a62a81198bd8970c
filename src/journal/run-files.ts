import { stat } from 'node:fs/promises'
import { BuslineError } from '../messages/busline-error.ts'
import { GrowingFile } from './growing-file.ts'
import { segmentsOf } from './segments.ts'

/** The files of a run that is still written and rotated, one open at a time. */
export class RunFiles {
  readonly #path: string
  readonly #blobs: 'resolve' | 'keep'
  #file: GrowingFile | undefined

  constructor(path: string, blobs: 'resolve' | 'keep') {
    this.#path = path
    this.#blobs = blobs
  }

  /** The file that holds the line `seq`, or is to hold it; the first file if undefined. */
  async first(seq: number | undefined): Promise<GrowingFile> {
    const segments = segmentsOf(this.#path)
    const [first = this.#path, ...later] = segments
    for (const segment of seq === undefined ? [] : later.toReversed()) {
      const file = await this.#open(segment, { segments, expected: undefined })
      const firstSeq = await file?.firstSeq()
      if (!file) return this.first(seq)
      if (firstSeq !== undefined && seq !== undefined && firstSeq <= seq) return file
    }
    const file = await this.#open(first, { segments, expected: undefined })
    if (!file) return this.first(seq)
    await this.#checkHas(file, seq)
    return file
  }

  /**
   * The file after the one that was read to its end, whose first line must have the `seq`; the same if it has grown;
   * undefined when there is nothing yet.
   */
  async next(seq: number | undefined): Promise<GrowingFile | undefined> {
    const file = this.#file
    if (!file) return this.first(seq)
    const segments = segmentsOf(this.#path)
    // By what it is, not by its name: a full file is renamed.
    const inodes = await Promise.all(segments.map(inodeOf))
    const place = inodes.indexOf(file.inode)
    const next = segments[place + 1]
    if (next === undefined) return undefined
    // Written after it was read to its end, and before it was renamed.
    if (await file.hasMore()) return file
    const opened = await this.#open(next, { segments, expected: seq })
    // It was deleted while it was read, and others with it, perhaps.
    if (opened && place === -1) await this.#checkHas(opened, seq)
    return opened ?? this.next(seq)
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }

  /** Whether the oldest file that is left has the line `seq`, or lines before it. */
  async #checkHas(file: GrowingFile, seq: number | undefined): Promise<void> {
    const oldest = await file.firstSeq()
    if (seq === undefined || oldest === undefined || oldest <= seq) return
    throw new BuslineError(
      'MESSAGE_NOT_IN_RUN',
      `The record with seq ${seq} is no longer in ${this.#path}: the oldest there is ${oldest}. Read from the start.`,
      { data: { path: this.#path, seq, oldest } },
    )
  }

  /** Undefined when the files are others than they were: the path may name a younger one. The one before stays open then. */
  async #open(
    path: string,
    { segments, expected }: { segments: readonly string[]; expected: number | undefined },
  ): Promise<GrowingFile | undefined> {
    const isOld = (): boolean => segmentsOf(this.#path).join('\n') !== segments.join('\n')
    let file: GrowingFile
    try {
      file = await GrowingFile.open(path, { blobs: this.#blobs, expected })
    } catch (error) {
      // Between its renaming and the making of the next one, nothing has the path.
      if (isOld()) return undefined
      throw error
    }
    if (isOld()) {
      await file.close()
      return undefined
    }
    await this.close()
    this.#file = file
    return file
  }
}

/** Which file a name stands for now; undefined when there is none. */
async function inodeOf(path: string): Promise<bigint | undefined> {
  try {
    return (await stat(path, { bigint: true })).ino
  } catch {
    return undefined
  }
}
