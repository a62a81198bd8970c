import { closeSync, existsSync, openSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { hasCode, whyOf } from '../files/file-errors.ts'
import { makeFolder } from '../files/make-folder.ts'
import { blobFolderOf } from '../journal/blob-reference.ts'
import { BuslineError } from '../messages/busline-error.ts'

const CHUNK = 64 * 1024

/** A new file of lines, mode 0600; one that is there is never written over. */
export class ForkedFile {
  readonly path: string
  readonly #file: number
  #waiting: string[] = []
  #length = 0
  /** A folder of blobs that was there before is not this fork's to remove. */
  readonly #hadBlobs: boolean
  lines = 0

  /** @throws BuslineError `FILE_FAILED` */
  constructor(path: string) {
    this.path = path
    this.#hadBlobs = existsSync(blobFolderOf(path))
    this.#file = onFile(path, () => {
      makeFolder(dirname(path))
      return openSync(path, 'wx', 0o600)
    })
  }

  line(text: string): void {
    this.lines++
    this.#waiting.push(text)
    this.#length += text.length
    if (this.#length >= CHUNK) this.#write()
  }

  /** Whole lines, each with its newline. */
  bytes(bytes: Uint8Array, lines: number): void {
    this.#write()
    this.lines += lines
    this.#put(bytes)
  }

  /** Writes what waits: in the kernel then, as a journal of the class `process`. */
  close(): void {
    this.#write()
    closeSync(this.#file)
  }

  /** Takes the file away again, and the blobs that were copied beside it. */
  abandon(): void {
    try {
      closeSync(this.#file)
    } catch (error) {
      if (!hasCode(error, 'EBADF')) throw error
    }
    rmSync(this.path, { force: true })
    if (!this.#hadBlobs) rmSync(blobFolderOf(this.path), { force: true, recursive: true })
  }

  #write(): void {
    if (this.#waiting.length === 0) return
    const bytes = Buffer.from(`${this.#waiting.join('\n')}\n`)
    this.#waiting = []
    this.#length = 0
    this.#put(bytes)
  }

  #put(bytes: Uint8Array): void {
    onFile(this.path, () => {
      for (let done = 0; done < bytes.length;) done += writeSync(this.#file, bytes, done)
    })
  }
}

function onFile<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const why = hasCode(error, 'EEXIST')
      ? 'there is one already, which is not written over. Give another path as "to", or none: then forks are numbered'
      : whyOf(error)
    throw new BuslineError('FILE_FAILED', `The fork ${path} can't be written: ${why}.`, {
      data: { path },
      cause: error,
    })
  }
}
