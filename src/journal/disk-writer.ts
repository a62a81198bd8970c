import type { BlobStore } from './blob-store.ts'
import { GroupCommit } from './group-commit.ts'
import { cannotWrite } from './journal-errors.ts'
import type { JournalFile } from './journal-files.ts'
import { LineQueue } from './line-queue.ts'
import type { LineWriter } from './line-writer.ts'
import { onceATick } from './once-a-tick.ts'

/** From this many bytes on, what the kernel holds is synced without being asked, so that memory stays bounded. */
const SYNC_AT = 4 * 1024 * 1024

interface Piece {
  text: string
  bytes: number
}

/**
 * Class `disk`: `flush` waits for an fdatasync that began after everything was written, and shares it with all that
 * wait. Lines stay in memory until they are synced: after a failed sync Linux calls the pages clean that it could not
 * write, and the next sync would succeed without them. So they are cut from the file and written again.
 */
export class DiskWriter implements LineWriter {
  #path: string
  #file: JournalFile
  #queue: LineQueue
  #commit = new GroupCommit(() => this.#sync())
  #writeSoon = onceATick(() => this.write())
  /** In the file, and not in the sync that is on. */
  #unsynced: Piece[] = []
  #unsyncedBytes = 0
  #syncedSize: number
  /** Why what is not synced can't be trusted; undefined when it can. */
  #doubt: unknown
  /** What is done as soon as nothing is unsynced. */
  #turn: (() => boolean) | undefined
  #blobs: BlobStore | undefined

  /** @param blobs synced before the lines that refer to them */
  constructor(path: string, file: JournalFile, blobs?: BlobStore) {
    this.#path = path
    this.#file = file
    this.#blobs = blobs
    this.#syncedSize = file.size()
    this.#queue = new LineQueue(file, (text, bytes) => {
      this.#unsynced.push({ text, bytes })
      this.#unsyncedBytes += bytes
    })
  }

  get isBehind(): boolean {
    return this.#isUnsynced || this.#commit.running !== undefined
  }

  /** A line that came while the blobs were being synced goes with the sync that is on; its blobs need the next one. */
  get #isUnsynced(): boolean {
    return this.#queue.length > 0 || this.#unsynced.length > 0 || (this.#blobs?.unsyncedBytes ?? 0) > 0
  }

  get failure(): unknown {
    return this.#doubt ?? this.#queue.failure
  }

  append(line: string): void {
    if (this.#queue.add(line)) this.write()
    else this.#writeSoon()
    const unsynced = this.#unsyncedBytes + (this.#blobs?.unsyncedBytes ?? 0)
    if (unsynced >= SYNC_AT && !this.#commit.running) this.#commitUnasked()
  }

  turn(next: () => boolean): void {
    this.#turn = next
    this.#commitUnasked()
  }

  flush(): Promise<void> {
    if (this.#isUnsynced) return this.#commit.join()
    return this.#commit.running ?? Promise.resolve()
  }

  write(): void {
    if (this.#doubt === undefined || this.#repair()) this.#queue.write()
  }

  async finish(): Promise<void> {
    while (this.isBehind) await this.flush()
  }

  async abandon(): Promise<void> {
    this.#turn = undefined
    // What failed for one may be under way again for another, with a file that is closed then, and its number another's.
    while (this.#commit.running) await this.#commit.running.catch(() => undefined)
    this.#doubt = undefined
    this.#unsynced = []
    this.#queue.clear()
  }

  /** A failure is not passed over: it leaves the doubt, which the next flush clears or tells. */
  #commitUnasked(): void {
    this.#commit.join().catch(() => undefined)
  }

  async #sync(): Promise<void> {
    if (this.#blobs && this.#blobs.unsyncedBytes > 0) await this.#syncBlobs(this.#blobs)
    this.write()
    if (this.failure !== undefined) throw cannotWrite(this.#path, this.failure)
    const pieces = this.#unsynced
    const bytes = this.#unsyncedBytes
    this.#unsynced = []
    this.#unsyncedBytes = 0
    try {
      await this.#file.datasync()
    } catch (error) {
      this.#unsynced = [...pieces, ...this.#unsynced]
      this.#unsyncedBytes += bytes
      this.#doubt = error
      throw cannotWrite(this.#path, error)
    }
    this.#syncedSize += bytes
    if (this.#turn) this.#takeTurn(this.#turn)
  }

  /** No sync is on, and the next one has not begun: what came meanwhile is synced at once, or the turn has to wait. */
  #takeTurn(next: () => boolean): void {
    this.write()
    if (this.failure !== undefined) return
    try {
      if (this.#unsynced.length > 0) this.#file.datasyncNow()
    } catch (error) {
      this.#doubt = error
      return
    }
    this.#syncedSize += this.#unsyncedBytes
    this.#turn = undefined
    this.#unsynced = []
    this.#unsyncedBytes = 0
    // Not what the new file has by now: its first line is written, and not synced.
    if (next()) this.#syncedSize = 0
  }

  async #syncBlobs(blobs: BlobStore): Promise<void> {
    try {
      await blobs.sync()
    } catch (error) {
      throw cannotWrite(this.#path, error)
    }
  }

  /** Goes back to the last sync that succeeded. */
  #repair(): boolean {
    try {
      this.#file.truncate(this.#syncedSize)
    } catch (error) {
      this.#doubt = error
      return false
    }
    this.#doubt = undefined
    this.#queue.putBack(this.#unsynced.map(({ text }) => text))
    this.#unsynced = []
    this.#unsyncedBytes = 0
    return true
  }
}
