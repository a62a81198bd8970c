import { dirname } from 'node:path'
import type { Journal } from '../bus/journal.ts'
import { headerOf } from './header-of.ts'
import { inUse } from './journal-errors.ts'
import type { JournalFile, JournalFiles } from './journal-files.ts'
import { readEnd } from './read-end.ts'
import { segmentNumbers, segmentPath } from './segment-names.ts'

type Continues = NonNullable<Journal['continues']>

/**
 * Cuts what is no whole line from the end of a journal, and tells where to go on. A new file goes on where the last full
 * segment beside it ends: a writer was killed after it had given that its name.
 */
export function recoverEnd(path: string, file: JournalFile, files: JournalFiles): Continues {
  const { lastSeq, cutBytes } = cutEnd(path, file)
  if (lastSeq !== undefined) return { nextSeq: lastSeq + 1, cutBytes }

  for (const number of segmentNumbers(path, files.list(dirname(path))).toReversed()) {
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
  if (end.cutBytes > 0) file.truncate(file.size() - end.cutBytes)
  return end
}
