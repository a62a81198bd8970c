import { open, type FileHandle } from 'node:fs/promises'
import { cannotRead } from './journal-source.ts'
import { isSegment } from './segment-names.ts'
import { segmentsOf } from './segments.ts'

export interface OpenSegment {
  readonly path: string
  readonly file: FileHandle
  readonly isLast: boolean
  /** Whether segments before it, which were there when the reading began, were deleted meanwhile. */
  readonly isAfterDeleted: boolean
}

/**
 * The files of a run one after another, each opened when it is asked for and closed by then that the next one is. A writer
 * may rotate meanwhile: which file the path names then is looked at again, so that none is left out.
 */
export async function* openSegments(path: string): AsyncGenerator<OpenSegment> {
  const done = new Set<string>()
  /** Full segments that were still to be read when the last one was opened. */
  let awaited: readonly string[] = []
  for (;;) {
    const segments = segmentsOf(path)
    const next = segments.find((segment) => !done.has(segment))
    if (next === undefined) return
    // The path may name a younger file by then, or none for a moment, and what it named has a number.
    const isOld = (): boolean => segmentsOf(path).find((segment) => !done.has(segment)) !== next
    let file: FileHandle
    try {
      file = await opened(next)
    } catch (error) {
      if (isOld()) continue
      throw error
    }
    try {
      if (isOld()) continue
      done.add(next)
      const isLast = next === segments.at(-1)
      const isAfterDeleted = awaited.some((segment) => !segments.includes(segment))
      awaited = segments.filter((segment) => isSegment(segment) && !done.has(segment))
      yield { path: next, file, isLast, isAfterDeleted }
      if (isLast) return
    } finally {
      await file.close()
    }
  }
}

/** Opens a file to read it; `FILE_FAILED` when it can't be. */
export async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (error) {
    throw cannotRead(path, error)
  }
}
