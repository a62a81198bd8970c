import type { JournalRecord } from '../bus/journal.ts'
import { textAt } from './field-at.ts'

/** Whether a record may tell of the process that writes from here on: a header, or the note of one that goes on with a file. */
export function isOpening({ kind, type }: Readonly<JournalRecord>): boolean {
  return kind === 'header' || type === 'bus.opened'
}

/**
 * Watches for the places where another process goes on with a journal: what was open there will never end. The segments of a
 * rotated journal begin with headers of one run, and are one process.
 */
export class ProcessChange {
  #run: string | undefined

  /** Whether another process than before writes from this record on. The record is asked for only where it is looked at. */
  at(envelope: Readonly<JournalRecord>, record: () => Readonly<JournalRecord>): boolean {
    if (!isOpening(envelope)) return false
    const run = textAt(record().data, 'run')
    const isAnother = this.#run === undefined || run !== this.#run
    this.#run = run
    return isAnother
  }
}
