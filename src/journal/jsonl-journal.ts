import type { Journal } from '../bus/journal.ts'
import { whyOf } from '../files/file-errors.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { BufferedWriter } from './buffered-writer.ts'
import { DiskWriter } from './disk-writer.ts'
import { cannotOpen, inUse } from './journal-errors.ts'
import type { JournalFile, JournalFiles } from './journal-files.ts'
import type { LineWriter } from './line-writer.ts'
import { nodeFiles } from './node-files.ts'
import { ProcessWriter } from './process-writer.ts'
import { readEnd } from './read-end.ts'

/**
 * What a flushed line survives: `buffered` nothing more than an unflushed one (a killed process loses its last 25 ms),
 * `process` SIGKILL of this process, `disk` a power cut.
 */
export type Durability = 'buffered' | 'process' | 'disk'

export interface JsonlJournalOptions {
  /** Default `process`. */
  durability?: Durability
  /** The file system; default is that of Node. */
  files?: JournalFiles
}

/**
 * A journal in a JSONL file. Lines are collected and written in batches, as the class of durability promises; whatever
 * it is, `close` and the end of the process write everything. An existing file is continued: a torn last line is cut,
 * `seq` goes on. Folder 0700, file 0600.
 *
 * When writing fails, `process` and `disk` keep every line and reject `flush` with `JOURNAL_FAILED` until it succeeds
 * again; `buffered` warns once, keeps 16 MiB, and notes what it lost beyond (`bus.lost`).
 *
 * @param path the file; made with its folder if it does not exist
 * @throws BuslineError `JOURNAL_IN_USE` when a live process holds the file, `JOURNAL_DAMAGED` when its last line is not
 * a record, `JOURNAL_FAILED` when it can't be opened
 */
export function jsonlJournal(path: string, options: JsonlJournalOptions = {}): Journal {
  const { durability = 'process', files = nodeFiles } = options
  return new JsonlJournal(path, durability, files)
}

const WRITERS = { buffered: BufferedWriter, process: ProcessWriter, disk: DiskWriter }

class JsonlJournal implements Journal {
  readonly continues: Journal['continues']
  #path: string
  #file: JournalFile
  #writer: LineWriter
  #closing: Promise<void> | undefined
  #closed = false

  constructor(path: string, durability: Durability, files: JournalFiles) {
    this.#path = path
    this.#file = open(path, files)
    try {
      this.continues = recover(path, this.#file)
      this.#writer = new WRITERS[durability](path, this.#file)
    } catch (error) {
      this.#file.close()
      throw error instanceof BuslineError ? error : cannotOpen(path, error)
    }
    allowListeners(1)
    process.on('exit', this.#onExit)
  }

  append(line: string): void {
    if (!this.#closed) this.#writer.append(line)
  }

  flush(): Promise<void> {
    return this.#writer.flush()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    try {
      // Again for lines that came meanwhile.
      do await this.#writer.finish()
      while (this.#writer.isBehind)
    } finally {
      this.#closed = true
      this.#writer.abandon()
      process.off('exit', this.#onExit)
      allowListeners(-1)
      this.#file.close()
    }
  }

  #onExit = (): void => {
    this.#writer.write()
    const { failure } = this.#writer
    // A warning would wait for a tick that an ending process no longer has.
    if (failure !== undefined)
      process.stderr.write(`The journal ${this.#path} lost its last lines: ${whyOf(failure)}.\n`)
    this.#file.close()
  }
}

function open(path: string, files: JournalFiles): JournalFile {
  let file: ReturnType<JournalFiles['open']>
  try {
    file = files.open(path)
  } catch (error) {
    throw cannotOpen(path, error)
  }
  if ('heldBy' in file) throw inUse(path, file.heldBy)
  return file
}

/** Cuts what is no whole line, and tells where to go on. */
function recover(path: string, file: JournalFile): Journal['continues'] {
  const { lastSeq = -1, cutBytes } = readEnd(path, file)
  if (cutBytes > 0) file.truncate(file.size() - cutBytes)
  return { nextSeq: lastSeq + 1, cutBytes }
}

/** One listener a journal is no leak: Node would warn of one from the eleventh on. (0 stands for any number.) */
function allowListeners(more: 1 | -1): void {
  const most = process.getMaxListeners()
  if (most !== 0) process.setMaxListeners(most + more)
}
