import { basename, dirname } from 'node:path'
import type { JournalRecord } from '../bus/journal.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { FileChanges } from './file-changes.ts'
import { RunFiles } from './run-files.ts'
import type { ScannedLine } from './scanned-line.ts'
import { stemOf } from './segment-names.ts'

export interface FollowJournalOptions {
  /**
   * Where to go on: what comes after this `seq`, or after the command or event with this id. By default everything. A
   * reader that was cut off and gives the last one that it saw misses none and gets none twice.
   */
  after?: number | string
  /** Ends the following; the loop over it ends without an error. */
  signal?: AbortSignal
  /** Waits for what is still to come (default); false ends at what is there now. */
  live?: boolean
  /** As for {@link readJournal}; default `resolve`. */
  blobs?: 'resolve' | 'keep'
}

/**
 * Reads a journal that is still written: what is there, then each record as it comes, in order, through rotation; never a
 * torn line, never one twice. All that follow one journal get the same records in the same order. Leave the loop, or
 * abort the signal, to end it.
 *
 * @param path the journal; it must be there
 * @throws BuslineError `MESSAGE_NOT_IN_RUN` when `after` is an id that is not there, or a `seq` whose successor was
 * pruned; `JOURNAL_DAMAGED` and `FILE_FAILED` as from {@link readJournal}
 */
export async function* followJournal(
  path: string,
  options: FollowJournalOptions = {},
): AsyncGenerator<JournalRecord> {
  const { after, signal, live = true, blobs = 'resolve' } = options
  const place = new Place(path, after)
  const stem = basename(stemOf(path))
  // Before the first look, so that nothing comes between the two.
  const changes = live ? new FileChanges(dirname(path), (name) => name.startsWith(stem)) : undefined
  const files = new RunFiles(path, blobs)
  try {
    for (let file = await files.first(place.nextSeq); ;) {
      if (signal?.aborted) return
      const read = await file.next()
      for (const line of read?.lines ?? []) {
        if (!place.isAfter(line)) continue
        yield line.record()
        if (signal?.aborted) return
      }
      if (read?.fault !== undefined) throw read.fault
      if (read) continue
      const next = await files.next(place.nextSeq)
      if (next) {
        file = next
        continue
      }
      place.reachedEnd()
      if (!changes) return
      await changes.next(signal)
    }
  } finally {
    changes?.close()
    await files.close()
  }
}

/** Where a follower stands: what it has given, or waits for. */
class Place {
  readonly #path: string
  /** The id that is still to be found. */
  #id: string | undefined
  #last: number

  constructor(path: string, after: number | string | undefined) {
    this.#path = path
    this.#id = typeof after === 'string' ? after : undefined
    this.#last = typeof after === 'number' ? after : -1
  }

  /** The `seq` that comes next; undefined before the first. */
  get nextSeq(): number | undefined {
    return this.#last === -1 ? undefined : this.#last + 1
  }

  /** Whether a line is to be given; counts it as given. */
  isAfter({ envelope: { seq, id } }: ScannedLine): boolean {
    if (seq <= this.#last) return false
    this.#last = seq
    if (this.#id === undefined) return true
    if (id === this.#id) this.#id = undefined
    return false
  }

  reachedEnd(): void {
    if (this.#id === undefined) return
    throw new BuslineError(
      'MESSAGE_NOT_IN_RUN',
      `No command or event of ${this.#path} has the id ${this.#id}.`,
      {
        data: { path: this.#path, id: this.#id },
      },
    )
  }
}
