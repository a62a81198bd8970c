import type { JournalRecord } from '../bus/journal.ts'

/**
 * One line of a journal: its envelope is read, the heavy last field only when it is asked for. Keep what you take out of
 * it, not the line: it holds the quarter of a megabyte that it was read with.
 */
export interface ScannedLine {
  /** Its `seq` + 1: counted from 1 over the whole run, also where lines before it were deleted or lost. */
  readonly line: number
  /** The record without `data`, `output` and `error`: all fields that stand before them. */
  readonly envelope: Readonly<JournalRecord>
  /**
   * The whole record, parsed anew by each call; with references in place of big values, unless the scan was asked for these.
   *
   * @throws BuslineError `JOURNAL_DAMAGED`, naming the line, when it is no JSON; `BLOB_MISSING` when a big value was asked
   * for and is not beside the journal
   */
  record(): JournalRecord
  /** The line as it stands in the file, without its newline. */
  text(): string
}
