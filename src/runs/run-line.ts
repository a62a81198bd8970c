import type { JournalRecord } from '../bus/journal.ts'

/** One line of a journal, as `scanJournal` yields it: the heavy last field is only read when it is asked for. */
export interface RunLine {
  /** Its `seq` + 1: counted from 1 over the whole run. */
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

/** Makes lines of records that come from elsewhere than a file. */
export async function* linesOfRecords(records: RunRecords): AsyncGenerator<readonly RunLine[]> {
  for await (const record of records) {
    yield [
      { line: record.seq + 1, envelope: record, record: () => record, text: () => JSON.stringify(record) },
    ]
  }
}
