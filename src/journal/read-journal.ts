import type { JournalRecord } from '../bus/journal.ts'
import { scanJournal, type JournalSource } from './scan-journal.ts'

export interface ReadJournalOptions {
  /** Told once when the file ends in bytes that are no whole line (a writer was killed); they are not a record. */
  onTornTail?: (tail: { line: number; bytes: number }) => void
  /** Gives what comes after this `seq` only. */
  after?: number
  /**
   * Whether big values, which stand beside the journal, come in the place of their references (`resolve`, the default), or
   * these stay as they are (`keep`). Bytes that come from no file have nothing beside them: kept.
   */
  blobs?: 'resolve' | 'keep'
}

/**
 * Reads a journal, all segments of a rotated one in order, line by line in bounded memory: exactly what was written, unknown kinds and fields included. The one
 * gap that is no damage is the one that a `bus.lost` note declares.
 *
 * @throws BuslineError `JOURNAL_DAMAGED`, naming the line, for a gap in `seq`, a line that is no record, or bytes that
 * are not UTF-8; `FILE_FAILED` when a file can't be read, `BLOB_MISSING` when a big value is not beside it
 */
export async function* readJournal(
  source: JournalSource,
  options: ReadJournalOptions = {},
): AsyncGenerator<JournalRecord> {
  for await (const lines of scanJournal(source, { blobs: 'resolve', ...options })) {
    for (const line of lines) yield line.record()
  }
}
