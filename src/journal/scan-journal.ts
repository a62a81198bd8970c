import type { JournalSource } from './journal-source.ts'
import { linesOf, linesWith } from './lines-of-block.ts'
import { blocksOfRun } from './run-blocks.ts'
import type { ScannedLine } from './scanned-line.ts'
import { isSegment } from './segment-names.ts'
import { SeqCheck } from './seq-check.ts'

export type { JournalSource } from './journal-source.ts'
export type { ScannedLine } from './scanned-line.ts'

export interface ScanJournalOptions {
  /** Told once when the journal ends in bytes that are no whole line (a writer was killed); they are not a record. */
  onTornTail?: (tail: { line: number; bytes: number }) => void
  /** Gives what comes after this `seq` only. */
  after?: number
  /**
   * Text that must stand in a line, each one if several, exactly as the file has it: JSON-escaped, case and all. Lines
   * without it are passed over at a fraction of the cost, and so unchecked: neither damage in them nor a gap in `seq`
   * is told. A value that stands beside the journal (a blob) is not looked into.
   */
  containing?: string | readonly string[]
  /** Texts of which one suffices, too: a line that holds it is given without those of `containing` (default none). */
  besides?: readonly string[]
  /**
   * Whether `record()` leaves the references to big values, which stand beside the journal, as they are (`keep`, the
   * default) or puts these in their place (`resolve`); bytes that come from no file have nothing beside them.
   */
  blobs?: 'keep' | 'resolve'
}

/**
 * Reads a journal, all segments of a rotated one in order, in bounded memory, in batches of lines; and parses of each line
 * no more than its envelope: for statistics and searches over large files. {@link readJournal} gives whole records.
 *
 * @throws BuslineError `JOURNAL_DAMAGED`, naming the line, for a gap in `seq` or a line whose envelope is none (what
 * stands before it has been given by then); `FILE_FAILED` when the source can't be read
 */
export async function* scanJournal(
  source: JournalSource,
  options: ScanJournalOptions = {},
): AsyncGenerator<readonly ScannedLine[]> {
  const { after = -1, containing = [], besides = [], blobs = 'keep', onTornTail } = options
  const [words, others] = [inBytes([containing].flat()), inBytes(besides)]
  // A full segment may be read alone, and a pipe may bring any part of a run.
  const check = new SeqCheck(typeof source === 'string' && !isSegment(source) ? 0 : undefined)
  for await (const block of blocksOfRun(source, { blobs, onTornTail })) {
    const { lines, fault } = words.length > 0 ? linesWith(block, words, others) : linesOf(block, check)
    const wanted = after < 0 ? lines : lines.filter(({ envelope }) => envelope.seq > after)
    if (wanted.length > 0) yield wanted
    if (fault !== undefined) throw fault
  }
}

/** Texts one character a byte, as blocks of lines are looked through. */
function inBytes(texts: readonly string[]): string[] {
  return texts.flatMap((text) => (text === '' ? [] : Buffer.from(text).toString('latin1')))
}
