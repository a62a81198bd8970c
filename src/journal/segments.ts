import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { JournalFiles } from './journal-files.ts'
import { asked, askedOnDisk, isForeignTo } from './segment-owner.ts'
import { isSegment, segmentNumbers, segmentPath } from './segment-names.ts'

/**
 * The files of the run at `path`, in the order in which they were written: its full segments, then the file itself. A
 * run that was never rotated is one file; so is a path that names one full segment. `path` stands alone when there is
 * nothing, and stays away when a writer was killed between two segments.
 */
export function segmentsOf(path: string): string[] {
  if (isSegment(path)) return [path]
  const isForeign = (number: number): boolean =>
    askedOnDisk(segmentPath(path, number), (file) => isForeignTo(file, number)) === true
  const full = segmentNumbers(path, namesIn(dirname(path)), isForeign).map((number) =>
    segmentPath(path, number),
  )
  return full.length > 0 && !existsSync(path) ? full : [...full, path]
}

/** A folder that can't be listed holds no segment that could be read. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** The numbers of a journal's full segments, as its writer sees them, ascending. */
export function fullSegments(path: string, files: JournalFiles): number[] {
  return segmentNumbers(
    path,
    files.list(dirname(path)),
    (number) => asked(files, segmentPath(path, number), (file) => isForeignTo(file, number)) === true,
  )
}
