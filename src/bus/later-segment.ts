import type { JournalRecord } from './journal.ts'

/**
 * Whether a record is the header of a segment that is not the first of its journal: the process that wrote before goes on, or
 * a note `bus.opened` follows. Its `run` is that of the journal's first header, whoever writes.
 */
export function beginsLaterSegment({ kind, data }: Readonly<JournalRecord>): boolean {
  if (kind !== 'header' || typeof data !== 'object' || data === null || !('segment' in data)) return false
  return typeof data.segment === 'number' && data.segment > 1
}
