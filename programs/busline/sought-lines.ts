import { scanJournal, type JournalSource, type ScanJournalOptions, type ScannedLine } from 'busline/journal'
import { segmentsOf } from './run-files.ts'
import { isLarge } from './show-lines.ts'

/** All lines of a run; in files that are not large each is read whole, so that damage is told wherever it stands. */
export async function* checkedLines(
  source: JournalSource,
  how: ScanJournalOptions = {},
): AsyncGenerator<readonly ScannedLine[]> {
  const isSmall = typeof source === 'string' && !isLargeRun(source)
  for await (const lines of scanJournal(source, how)) {
    const place = isSmall ? lines.findIndex(isDamaged) : -1
    yield place === -1 ? lines : lines.slice(0, place)
    // It says how.
    lines[place]?.record()
  }
}

/**
 * The lines of a run that hold the texts `containing`, and perhaps others: a run that is not large is read whole, so that damage in
 * any line is told as everywhere. In a large one, what does not hold them is passed over, and so unchecked.
 */
export function soughtLines(
  source: JournalSource,
  { containing = [], besides = [], ...how }: ScanJournalOptions,
): AsyncGenerator<readonly ScannedLine[]> {
  return isLargeRun(source) ? scanJournal(source, { ...how, containing, besides }) : checkedLines(source, how)
}

function isLargeRun(source: JournalSource): boolean {
  return typeof source === 'string' && isLarge(segmentsOf(source))
}

/** Not of a value that stands beside the journal and is not there: that is no damage of the line. */
function isDamaged(line: ScannedLine): boolean {
  try {
    JSON.parse(line.text())
    return false
  } catch {
    return true
  }
}
