import type { JournalRecord } from '../bus/journal.ts'
import { readJournal, type ReadJournalOptions } from './read-journal.ts'

/** A journal file, or the bytes of one. */
export type JournalSource = string

/** One line of a journal: its envelope is read, the heavy last field only when it is asked for. */
export interface ScannedLine {
  /** Counted from 1 over all segments of the run. */
  readonly line: number
  /** The record without `data`, `output` and `error`. */
  readonly envelope: Readonly<JournalRecord>
  /** The whole record. */
  record(): JournalRecord
  /** The line as it stands in the file, without its newline. */
  text(): string
}

/** Reads a journal in bounded memory, in batches of lines. */
export async function* scanJournal(
  source: JournalSource,
  options: ReadJournalOptions = {},
): AsyncGenerator<readonly ScannedLine[]> {
  let line = 0
  for await (const record of readJournal(source, options)) {
    yield [{ line: ++line, envelope: record, record: () => record, text: () => JSON.stringify(record) }]
  }
}
