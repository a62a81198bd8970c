import type { JournalRecord } from '../bus/journal.ts'
import { beginsLaterSegment } from '../bus/later-segment.ts'

/** A run whose records stand in the files that are looked through. */
export interface Owner {
  /** As its header names it. */
  run: string | undefined
  /** What the ids of its first messages begin with. */
  prefix: string | undefined
  /** Whether a header of it was found. */
  hasHeader: boolean
  /** The highest `seq` of its records. */
  last: number
}

/**
 * Tells of records, in the order of their files, which run each is of: two journals may stand in one file. A header begins
 * another run where it names another; where that header is lost, a line 1 comes a second time with ids of another bus.
 */
export class RunOwners {
  readonly #byRun = new Map<string, Owner>()
  #first: Owner | undefined
  #firstWithHeader: Owner | undefined
  #current: Owner | undefined

  /** The run that is kept: the first that has a header, or the first of all when none has. */
  get kept(): Owner | undefined {
    return this.#firstWithHeader ?? this.#first
  }

  ownerOf(record: JournalRecord): Owner {
    const owner = (this.#current = this.#next(record))
    if (isHeader(record)) {
      owner.run ??= namedBy(record)
      owner.hasHeader = true
      if (owner.run !== undefined) this.#byRun.set(owner.run, owner)
      this.#firstWithHeader ??= owner
    }
    owner.prefix ??= prefixOf(record)
    owner.last = Math.max(owner.last, record.seq)
    return owner
  }

  #next(record: JournalRecord): Owner {
    const current = this.#current
    if (!current) return this.#begun()
    const { seq } = record
    if (isHeader(record)) {
      const run = namedBy(record)
      const known = run === undefined ? undefined : this.#byRun.get(run)
      if (known) return known
      if (beginsLaterSegment(record) && seq === current.last + 1) return current
      // The header of the first segment may be lost, and this be that of the second.
      if (!current.hasHeader && (beginsLaterSegment(record) || current.prefix === run)) return current
      return this.#begun()
    }
    const prefix = prefixOf(record)
    const isOther = prefix !== undefined && current.prefix !== undefined && prefix !== current.prefix
    return seq === 1 && current.last >= 1 && isOther ? this.#begun() : current
  }

  #begun(): Owner {
    const owner: Owner = { run: undefined, prefix: undefined, hasHeader: false, last: -1 }
    this.#first ??= owner
    return owner
  }
}

function isHeader({ kind, type, seq }: JournalRecord): boolean {
  return kind === 'header' && type === 'busline.journal' && seq >= 0
}

function namedBy({ data }: JournalRecord): string | undefined {
  return typeof data === 'object' && data !== null && 'run' in data && typeof data.run === 'string'
    ? data.run
    : undefined
}

/** Ids are those of the bus and an ordinal. */
function prefixOf({ root }: JournalRecord): string | undefined {
  return root === undefined ? undefined : /^(.+)-[^-]+$/.exec(root)?.[1]
}
