import { hashesIn } from './hashes-in.ts'
import type { JournalFile, JournalFiles } from './journal-files.ts'
import { segmentPath } from './segment-names.ts'
import { fullSegments } from './segments.ts'

/** Bytes of lines that are looked through: four times what class `disk` has unsynced before it syncs without being asked. */
const MOST = 16 * 1024 * 1024

/**
 * The hashes of the blobs that the last lines of a journal refer to, the last first. Whoever wrote them may have been killed
 * before they were synced, also just after a file was full.
 */
export function lastReferences(path: string, file: JournalFile, files: JournalFiles): Set<string> {
  const hashes = hashesAtEnd(file, MOST)
  const left = MOST - file.size()
  const number = fullSegments(path, files).at(-1)
  if (left > 0 && number !== undefined) {
    const segment = files.open(segmentPath(path, number))
    if (!('heldBy' in segment)) {
      hashes.push(...hashesAtEnd(segment, left))
      segment.close()
    }
  }
  return new Set(hashes)
}

function hashesAtEnd(file: JournalFile, most: number): string[] {
  const start = Math.max(0, file.size() - most)
  return hashesIn(file.read(start, file.size() - start)).toReversed()
}
