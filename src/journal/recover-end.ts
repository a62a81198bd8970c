import type { Journal } from '../bus/journal.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { headerOf } from './header-of.ts'
import { inUse } from './journal-errors.ts'
import type { JournalFile, JournalFiles } from './journal-files.ts'
import { readEnd } from './read-end.ts'
import { segmentPath } from './segment-names.ts'
import { fullSegments } from './segments.ts'

type Continues = NonNullable<Journal['continues']>

/**
 * Cuts what is no whole line from the end of a journal, and tells where to go on. A new file goes on where the last full
 * segment beside it ends: a writer was killed after it had given that its name.
 */
export function recoverEnd(path: string, file: JournalFile, files: JournalFiles): Continues {
  const { lastSeq, cutBytes } = cutEnd(path, file)
  if (lastSeq !== undefined) return { nextSeq: lastSeq + 1, cutBytes }

  for (const number of fullSegments(path, files).toReversed()) {
    const last = endOfSegment(segmentPath(path, number), files)
    if (last.lastSeq === undefined) continue
    const { run } = last
    return { nextSeq: last.lastSeq + 1, cutBytes: cutBytes + last.cutBytes, segment: number + 1, run }
  }
  return { nextSeq: 0, cutBytes }
}

function endOfSegment(
  path: string,
  files: JournalFiles,
): ReturnType<typeof readEnd> & { run: string | undefined } {
  const file = files.open(path)
  if ('heldBy' in file) throw inUse(path, file.heldBy)
  try {
    return { ...cutEnd(path, file), run: headerOf(file)?.run }
  } finally {
    file.close()
  }
}

function cutEnd(path: string, file: JournalFile): ReturnType<typeof readEnd> {
  const end = readEnd(path, file)
  if (end.lastSeq === undefined && !isTornLine(file)) throw noJournal(path)
  if (end.cutBytes > 0) file.truncate(file.size() - end.cutBytes)
  return end
}

/** How the first line of a journal begins, whoever wrote it. */
const BEGINNINGS = ['{"v":', '{"seq":']

/** Whether a file without a newline may be a journal whose first line is cut, or zeros since a power cut; else it is somebody's. */
function isTornLine(file: JournalFile): boolean {
  const begins = Buffer.from(file.read(0, 16)).toString('latin1').replace(/\0+$/, '')
  return BEGINNINGS.some((beginning) => begins.startsWith(beginning) || beginning.startsWith(begins))
}

function noJournal(path: string): BuslineError {
  return new BuslineError(
    'JOURNAL_DAMAGED',
    `${path} is no journal: it has no line, and does not begin as one. It stays as it is: choose another path.`,
    { data: { path } },
  )
}
