import type { JournalRecord } from '../bus/journal.ts'
import { beginsLaterSegment } from '../bus/later-segment.ts'

/** Whether a record may tell of the process that writes from here on: a header, or the note of one that goes on with a file. */
export function isOpening({ kind, type }: Readonly<JournalRecord>): boolean {
  return kind === 'header' || type === 'bus.opened'
}

/**
 * Watches for the places where another process goes on with a journal: what was open there will never end. The header of a
 * rotated journal's next segment is no such place: whoever opens a journal says so by a note of its own.
 */
export class ProcessChange {
  #hasBegun = false

  /** Whether another process than before writes from this record on. The record is asked for only where it is looked at. */
  at(envelope: Readonly<JournalRecord>, record: () => Readonly<JournalRecord>): boolean {
    if (!isOpening(envelope)) return false
    const isFirst = !this.#hasBegun
    this.#hasBegun = true
    return isFirst || !beginsLaterSegment(record())
  }
}
