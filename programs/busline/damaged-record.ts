import type { JournalRecord } from 'busline'

/** A record whose data is of another shape than that of its type. */
export class DamagedRecord extends Error {
  readonly record: JournalRecord

  constructor(record: JournalRecord) {
    super(`It is no ${record.kind} of ${record.type}.`)
    this.record = record
  }
}
