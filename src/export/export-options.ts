import type { JournalRecord } from '../bus/journal.ts'

/** The records of a run, in their order. */
export type Records = AsyncIterable<JournalRecord> | Iterable<JournalRecord>

/** Which part of a run is exported (default: all of it). Ids are whole ones. */
export interface ExportFilter {
  session?: string | undefined
  turn?: string | undefined
}

/** Whether a record is of the part that is exported; the header is of every part. */
export function isWanted(record: JournalRecord, { session, turn }: ExportFilter): boolean {
  if (record.kind === 'header') return true
  return (session === undefined || record.session === session) && (turn === undefined || record.turn === turn)
}
