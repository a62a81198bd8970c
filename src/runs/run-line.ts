import type { JournalRecord } from '../bus/journal.ts'

/** One line of a journal, as `scanJournal` yields it: the heavy last field is only read when it is asked for. */
export interface RunLine {
  /** Counted from 1 over all segments of the run. */
  readonly line: number
  /** The record; perhaps without `data`, `output` and `error`. */
  readonly envelope: Readonly<JournalRecord>
  /** The whole record. */
  record(): JournalRecord
  /** The line as it stands in the file, without its newline. */
  text(): string
}

/** The lines of one run in order, in batches: what `scanJournal` yields. */
export type RunLines = AsyncIterable<readonly RunLine[]> | Iterable<readonly RunLine[]>

/** The records of a run, in order. */
export type RunRecords = AsyncIterable<JournalRecord> | Iterable<JournalRecord>

/** Makes lines of records that come from elsewhere than a file; they are counted from 1. */
export async function* linesOfRecords(records: RunRecords): AsyncGenerator<readonly RunLine[]> {
  let line = 0
  for await (const record of records) {
    yield [{ line: ++line, envelope: record, record: () => record, text: () => JSON.stringify(record) }]
  }
}
