import { closeSync, ftruncateSync, fstatSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Journal } from '../bus/journal.ts'
import { whyOf } from '../files/file-errors.ts'
import { makeFolder } from '../files/make-folder.ts'
import { lockFile, type FileLock } from '../files/lock-file.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { readEnd } from './read-end.ts'

/** Above this many characters the buffer is written at once, not at the end of the tick. */
const WRITE_AT = 64 * 1024

/**
 * A journal in a JSONL file, of durability class `process`: what was flushed is in the kernel and survives
 * SIGKILL of this process (not a power cut). Lines are collected and written at the end of the tick, at 64 KiB, and by
 * `flush`. An existing file is continued: a torn last line is cut, `seq` goes on. Folder 0700, file 0600.
 *
 * @param path the file; made with its folder if it does not exist
 * @throws BuslineError `JOURNAL_IN_USE` when a live process holds the file, `JOURNAL_DAMAGED` when its last line is not
 * a record, `JOURNAL_FAILED` when it can't be opened
 */
export function jsonlJournal(path: string): Journal {
  return new JsonlJournal(path)
}

class JsonlJournal implements Journal {
  readonly continues: Journal['continues']
  #path: string
  #file: number
  #lock: FileLock
  #pending = ''
  /** Bytes of an earlier write that the system did not take; they go first. */
  #rest: Buffer | undefined
  #scheduled = false
  #failure: unknown
  #closed = false
  #onExit = (): void => {
    this.#write()
    this.#lock.release()
  }

  constructor(path: string) {
    this.#path = path
    this.#lock = openFolderAndLock(path)
    try {
      this.#file = openSync(path, 'a+', 0o600)
      this.continues = recover(path, this.#file)
    } catch (error) {
      this.#lock.release()
      throw error instanceof BuslineError ? error : cannotOpen(path, error)
    }
    // One listener a journal is no leak: Node would warn of one from the eleventh on.
    process.setMaxListeners(process.getMaxListeners() + 1)
    process.on('exit', this.#onExit)
  }

  append(line: string): void {
    this.#pending += `${line}\n`
    if (this.#pending.length >= WRITE_AT) return this.#write()
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#write()
    })
  }

  flush(): Promise<void> {
    this.#write()
    if (this.#failure === undefined) return Promise.resolve()
    return Promise.reject(
      new BuslineError(
        'JOURNAL_FAILED',
        `The journal ${this.#path} can't be written: ${whyOf(this.#failure)}.`,
        {
          data: { path: this.#path },
          cause: this.#failure,
        },
      ),
    )
  }

  async close(): Promise<void> {
    if (this.#closed) return
    try {
      await this.flush()
    } finally {
      this.#closed = true
      process.off('exit', this.#onExit)
      process.setMaxListeners(process.getMaxListeners() - 1)
      closeSync(this.#file)
      this.#lock.release()
    }
  }

  /** Hands everything collected to the kernel. What it does not take is kept, so a later write loses nothing. */
  #write(): void {
    if (this.#closed || (this.#pending === '' && !this.#rest)) return
    const fresh = Buffer.from(this.#pending)
    let bytes = this.#rest ? Buffer.concat([this.#rest, fresh]) : fresh
    this.#pending = ''
    try {
      while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.#file, bytes))
      this.#rest = undefined
      this.#failure = undefined
    } catch (error) {
      this.#rest = bytes
      this.#failure = error
    }
  }
}

/** Cuts what is no whole line, and tells where to go on. Closes the file when it can't be continued. */
function recover(path: string, file: number): Journal['continues'] {
  try {
    const { lastSeq = -1, cutBytes } = readEnd(path, file)
    if (cutBytes > 0) ftruncateSync(file, fstatSync(file).size - cutBytes)
    return { nextSeq: lastSeq + 1, cutBytes }
  } catch (error) {
    closeSync(file)
    throw error
  }
}

function openFolderAndLock(path: string): FileLock {
  let lock: ReturnType<typeof lockFile>
  try {
    makeFolder(dirname(path))
    lock = lockFile(`${path}.lock`)
  } catch (error) {
    throw cannotOpen(path, error)
  }
  if (!('heldBy' in lock)) return lock
  throw new BuslineError(
    'JOURNAL_IN_USE',
    `The journal ${path} is being written by process ${lock.heldBy}. One bus, one file: choose another path.`,
    {
      data: { path, pid: lock.heldBy },
    },
  )
}

function cannotOpen(path: string, error: unknown): BuslineError {
  return new BuslineError(
    'JOURNAL_FAILED',
    `The journal ${path} can't be opened: ${whyOf(error)}. Choose a folder that can be written.`,
    {
      data: { path },
      cause: error,
    },
  )
}
