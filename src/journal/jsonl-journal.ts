import type { Journal, SegmentHeader } from '../bus/journal.ts'
import { whyOf } from '../files/file-errors.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { blobFolderOf } from './blob-reference.ts'
import { BlobStore } from './blob-store.ts'
import { BufferedWriter } from './buffered-writer.ts'
import { DiskWriter } from './disk-writer.ts'
import { headerOf } from './header-of.ts'
import { cannotOpen, inUse } from './journal-errors.ts'
import type { JournalFile, JournalFiles } from './journal-files.ts'
import { checkJournalOptions, type JsonlJournalOptions } from './journal-options.ts'
import { lastReferences } from './last-references.ts'
import type { LineWriter } from './line-writer.ts'
import { nodeFiles } from './node-files.ts'
import { ProcessWriter } from './process-writer.ts'
import { recoverEnd } from './recover-end.ts'
import { Retention } from './retention.ts'
import { Rotation } from './rotation.ts'
import { stemOf } from './segment-names.ts'
import { asked } from './segment-owner.ts'
import { fullSegments } from './segments.ts'

/**
 * A journal in a JSONL file. Lines are collected and written in batches, as the class of durability promises; whatever
 * it is, `close`, and an exit of the process that is no kill, write everything. An existing file is continued: a torn last line is cut,
 * `seq` goes on. Folder 0700, file 0600.
 *
 * When writing fails, `process` and `disk` keep every line and reject `flush` with `JOURNAL_FAILED` until it succeeds
 * again; `buffered` warns once, keeps 16 MiB, and notes what it lost beyond (`bus.lost`).
 *
 * Big strings stand once in files beside it (`blobs`). With `rotate` it is a row of files, of which `path` is the one that
 * is written, and of which `keep` deletes the oldest.
 *
 * @param path the file; made with its folder if it does not exist
 * @throws BuslineError `INVALID_OPTION`, also beside a journal of the same name with or without `.jsonl`; `JOURNAL_IN_USE` when a live process holds the file, `JOURNAL_DAMAGED` when its
 * last line is not a record, or it is no journal, `JOURNAL_FAILED` when it can't be opened
 */
export function jsonlJournal(path: string, options: JsonlJournalOptions = {}): Journal {
  checkJournalOptions(path, options)
  return new JsonlJournal(path, options)
}

const WRITERS = { buffered: BufferedWriter, process: ProcessWriter, disk: DiskWriter }

/** What a string takes at most to stand in its line. */
const OVER = 8192

class JsonlJournal implements Journal {
  readonly continues: Journal['continues']
  readonly blobs: BlobStore
  #path: string
  #file: JournalFile
  #writer: LineWriter
  #rotation: Rotation | undefined
  #retention: Retention | undefined
  /** Lines that come while the header of the next file is made: a tap that is shown it may publish. */
  #held: string[] | undefined
  #closing: Promise<void> | undefined
  #closed = false

  constructor(path: string, options: JsonlJournalOptions) {
    const { durability = 'process', files = nodeFiles, blobs = { over: OVER } } = options
    this.#path = path
    this.blobs = new BlobStore({
      folder: blobFolderOf(path),
      files,
      over: blobs ? blobs.over : Infinity,
      synced: durability === 'disk',
      onReference: (hash) => this.#retention?.refer(hash, this.#rotation?.segment ?? 1),
    })
    refuseTwin(path, files)
    this.#file = open(path, files)
    try {
      this.continues = recoverEnd(path, this.#file, files)
      if (durability === 'disk' && this.continues.nextSeq > 0)
        this.blobs.distrust(lastReferences(path, this.#file, files))
      this.#writer = new WRITERS[durability](path, this.#file, this.blobs)
      this.#beInSegments(options, files)
    } catch (error) {
      this.#file.close()
      throw error instanceof BuslineError ? error : cannotOpen(path, error)
    }
    allowListeners(1)
    process.on('exit', this.#onExit)
  }

  beginSegments(header: SegmentHeader): void {
    if (this.#rotation) this.#rotation.header = header
  }

  append(line: string): void {
    if (this.#closed) return
    if (this.#held) return void this.#held.push(line)
    this.#writer.append(line)
    if (this.#rotation?.isDue(line)) this.#writer.turn(this.#nextSegment)
  }

  flush(): Promise<void> {
    // Once it has closed, whoever asks late is told whether lines were lost.
    return this.#closed ? this.close() : this.#writer.flush()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #beInSegments({ rotate, keep, now = Date.now }: JsonlJournalOptions, files: JournalFiles): void {
    if (!rotate) return
    const [path, file] = [this.#path, this.#file]
    const full = fullSegments(path, files)
    const segment = Math.max((full.at(-1) ?? 0) + 1, headerOf(file)?.segment ?? 1)
    this.#rotation = new Rotation({ path, file, files, rotate, segment, now })
    if (!keep) return
    const isContinued = (this.continues?.nextSeq ?? 0) > 0
    const onRemoved = (hash: string): void => this.blobs.forget(hash)
    const blobs = blobFolderOf(path)
    this.#retention = new Retention({ path, files, keep, blobs, segment, isContinued, now, onRemoved })
  }

  #nextSegment = (): boolean => {
    // What closes takes no more files.
    if (!this.#rotation || this.#closing) return false
    this.#held = []
    const header = this.#rotation.next()
    const held = this.#held
    this.#held = undefined
    if (header === undefined) return false
    this.#writer.append(header)
    this.#writer.write()
    this.#retention?.rotated(this.#rotation.segment)
    for (const line of held) this.append(line)
    return true
  }

  async #close(): Promise<void> {
    try {
      // Again for lines that came meanwhile.
      do {
        await this.#writer.finish()
        await this.#retention?.idle()
      } while (this.#writer.isBehind)
    } finally {
      this.#closed = true
      await this.#writer.abandon()
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

/** `desk` and `desk.jsonl` would have segments and values of the same names. */
function refuseTwin(path: string, files: JournalFiles): void {
  const bare = stemOf(path)
  const twin = path === bare ? `${bare}.jsonl` : bare
  if (asked(files, twin, (file) => headerOf(file) !== undefined, true) !== true) return
  throw new BuslineError(
    'INVALID_OPTION',
    `jsonlJournal: path must not be ${path}, because ${twin} beside it is a journal, whose segments and values have the same names. Give it another name.`,
    { data: { option: 'path', path } },
  )
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

/** One listener a journal is no leak: Node would warn of one from the eleventh on. (0 stands for any number.) */
function allowListeners(more: 1 | -1): void {
  const most = process.getMaxListeners()
  if (most !== 0) process.setMaxListeners(most + more)
}
