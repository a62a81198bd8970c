import type { BigValues } from '../bus/journal.ts'
import { blobPath, isReference, mayHoldBlobs, referenceTo, type BlobReference } from './blob-reference.ts'
import type { JournalFiles } from './journal-files.ts'
import { replaceLongStrings } from './long-strings.ts'

/** How many hashes are remembered as being there, before what is there is looked at again. */
const REMEMBERED = 10_000

/** Bytes of blobs of an earlier process that are synced again: as class `disk` syncs from 4 MiB on, more were not left. */
const DISTRUSTED = 64 * 1024 * 1024

/** What the deltas of a stream event look like; they are small pieces, and are never taken apart. */
const BATCH = '{"deltas":[['

export interface BlobStoreOptions {
  /** The folder of the blobs, made when the first one comes. */
  folder: string
  files: JournalFiles
  /** Strings whose JSON has more bytes become blobs, at least 1024; Infinity: none, but users' objects with a `$blob` key. */
  over: number
  /** Whether blobs have to outlive a power cut when their lines do: then they are kept until they are synced. */
  synced: boolean
  /** Told of every reference that is put into a line. */
  onReference?: ((hash: string) => void) | undefined
}

/**
 * Puts big strings beside the journal, each content once, and references in their place. An object that has a `$blob`
 * key itself goes there as a whole, whatever its size, so that nothing in a line looks like a reference but references.
 * What has no big string stays in its line, however long that is.
 *
 * A blob is in its file before `shorten` returns, so before its line. One that can't be written stays in the line.
 */
export class BlobStore implements BigValues {
  #options: BlobStoreOptions
  #present = new Set<string>()
  /** What the next sync has to cover. */
  #unsynced = new Map<string, Uint8Array>()
  /** What the sync that is on covers. */
  #syncing = new Map<string, Uint8Array>()
  #unsyncedBytes = 0
  /** Whether the last sync failed. */
  #doubt = false

  constructor(options: BlobStoreOptions) {
    this.#options = options
  }

  /** A character takes up to three bytes. */
  get from(): number {
    return Math.floor(this.#options.over / 3)
  }

  /** Bytes that are kept until they are synced. */
  get unsyncedBytes(): number {
    return this.#unsyncedBytes
  }

  shorten(json: string): string {
    try {
      const plain = mayHoldBlobs(json) ? this.#withoutLookalikes(json) : json
      return this.#isBig(plain) ? replaceLongStrings(plain, this.from, (text) => this.#string(text)) : plain
    } catch {
      // It nests too deep to be looked through.
      return json
    }
  }

  /**
   * Resolves when every blob outlives a power cut that stood in a line before this call. After a failure they are
   * written again by the next call.
   */
  async sync(): Promise<void> {
    const { folder, files } = this.#options
    const blobs = this.#unsynced
    this.#syncing = blobs
    this.#unsynced = new Map()
    try {
      // Again also those that a failed sync had: the system calls them written, and they are not. Synced at once, because
      // what is there may be older, and promised to whoever flushed then.
      if (this.#doubt)
        for (const [hash, content] of blobs) files.save(blobPath(folder, hash), content, { synced: true })
      if (blobs.size > 0) await files.sync([...blobs.keys()].map((hash) => blobPath(folder, hash)))
      this.#doubt = false
    } catch (error) {
      this.#doubt = true
      for (const [hash, content] of blobs) this.#unsynced.set(hash, content)
      throw error
    } finally {
      this.#syncing = new Map()
      this.#unsyncedBytes = [...this.#unsynced.values()].reduce((sum, { length }) => sum + length, 0)
    }
  }

  /**
   * Has the next sync cover what an earlier process put into lines and may not have synced.
   *
   * @param hashes of which the first are looked at, up to a limit
   */
  distrust(hashes: Iterable<string>): void {
    const { folder, files } = this.#options
    for (const hash of hashes) {
      if (this.#unsyncedBytes > DISTRUSTED) return
      const content = files.load(blobPath(folder, hash))
      if (content === undefined) continue
      this.#unsynced.set(hash, content)
      this.#unsyncedBytes += content.length
    }
  }

  /** Forgets what was deleted, so that it is written again. */
  forget(hash: string): void {
    this.#present.delete(hash)
    this.#unsynced.delete(hash)
    this.#syncing.delete(hash)
  }

  #isBig(json: string): boolean {
    return !json.startsWith(BATCH) && json.length > this.from && Buffer.byteLength(json) > this.#options.over
  }

  #withoutLookalikes(json: string): string {
    return JSON.stringify(JSON.parse(json), (_, item: unknown) =>
      typeof item === 'object' && item !== null && '$blob' in item
        ? (this.#put(item, JSON.stringify(item)) ?? turned(item))
        : item,
    )
  }

  /** The JSON to write in place of a string's JSON. */
  #string(json: string): string {
    if (Buffer.byteLength(json) <= this.#options.over) return json
    const reference = this.#put(JSON.parse(json), json)
    return reference ? JSON.stringify(reference) : json
  }

  /** The reference to a value, once it is in its file; undefined when it can't be written. */
  #put(value: unknown, json: string): BlobReference | undefined {
    const reference = referenceTo(value, json)
    try {
      this.#write(reference, json)
    } catch {
      // The line has it, and the line's own failure is told.
      return undefined
    }
    this.#options.onReference?.(reference.$blob)
    return reference
  }

  #write({ $blob: hash }: BlobReference, json: string): void {
    if (this.#present.has(hash)) return
    const { folder, files, synced } = this.#options
    const bytes = Buffer.from(json)
    const path = blobPath(folder, hash)
    const there = files.load(path)
    // A power cut may have left a part of it.
    if (there === undefined || !bytes.equals(there)) files.save(path, bytes)
    if (this.#present.size >= REMEMBERED) this.#present.clear()
    this.#present.add(hash)
    // Also one that was there: whoever wrote it may have been killed before it was synced.
    if (synced) {
      this.#unsynced.set(hash, bytes)
      this.#unsyncedBytes += bytes.length
    }
  }
}

/** A user's value that looks exactly like a reference, with its keys in another order, which a reference never has. */
function turned(item: object): object {
  return isReference(item) ? Object.fromEntries(Object.entries(item).toReversed()) : item
}
