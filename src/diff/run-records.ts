import type { JournalRecord } from '../bus/journal.ts'

type Records = Iterable<JournalRecord> | AsyncIterable<JournalRecord>

/**
 * The records of a run. A function opens them anew and is called twice, so that a long run is never held whole:
 * `() => readJournal(path)`. What can be read only once is kept in memory meanwhile.
 */
export type RunRecords = Records | (() => Records)

/** Records that can be read as often as is needed. */
export async function reopenable(records: RunRecords): Promise<() => Records> {
  if (typeof records === 'function') return records
  if (Array.isArray(records)) return () => records
  const kept: JournalRecord[] = []
  for await (const record of records) kept.push(record)
  return () => kept
}
