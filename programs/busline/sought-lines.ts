import { scanJournal, type JournalSource, type ScanJournalOptions, type ScannedLine } from 'busline/journal'
import { segmentsOf } from './run-files.ts'
import { isLarge } from './show-lines.ts'

/**
 * The lines of a run that hold the texts `containing`, and perhaps others: a run that is not large is read whole, so that damage in
 * any line is told as everywhere. In a large one, what does not hold them is passed over, and so unchecked.
 */
export function soughtLines(
  source: JournalSource,
  { containing = [], besides = [], ...how }: ScanJournalOptions,
): AsyncGenerator<readonly ScannedLine[]> {
  const isWhole = typeof source !== 'string' || !isLarge(segmentsOf(source))
  return scanJournal(source, isWhole ? how : { ...how, containing, besides })
}
