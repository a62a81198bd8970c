import { existsSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { damaged } from './journal-source.ts'
import { blocksOf, LineBlock, LONGEST } from './line-block.ts'
import { opened } from './open-segments.ts'
import { linesOf } from './lines-of-block.ts'
import { declaresLost } from './lost-lines.ts'
import type { ScannedLine } from './scanned-line.ts'
import { segmentsOf } from './segments.ts'
import { SeqCheck } from './seq-check.ts'

const NEWLINE = 0x0a
/** Bytes read at once, backwards. */
const CHUNK = 256 * 1024

/**
 * The last lines of a run in their order, read backwards from its end: `enough` is asked line by line, the last line
 * first, and the one at which it says true is the first one given; all lines when it never does. So the last turn of a
 * large journal costs what the turn holds, and not the journal. What is given is held in memory.
 *
 * `options.blobs` is as for `scanJournal`. The `line` of each is its `seq` + 1: what stands before was not counted. Bytes after the last newline are passed over.
 *
 * @throws BuslineError `JOURNAL_DAMAGED` for a line that is no record or for lines that are missing
 * between (lines before the first one given are not looked at); `FILE_FAILED` when a file can't be read
 */
export async function lastLines(
  path: string,
  enough: (line: ScannedLine) => boolean,
  options: { blobs?: 'keep' | 'resolve' } = {},
): Promise<ScannedLine[]> {
  const found: ScannedLine[] = []
  const { before, last: written, file } = await openLast(path)
  /** Where the line stands that follows. */
  let behind: { segment: string; start: number } | undefined
  for (const segment of [written, ...before.toReversed()]) {
    const source = segment === written ? file : await openedUnlessDeleted(segment)
    if (!source) break
    for await (const part of blocksBackwards(source, segment)) {
      const lines = await linesBackwards(segment, part, options.blobs === 'resolve')
      const [last, next] = [lines[0], found.at(-1)]
      if (last && next && behind) await checkFollows(last, next, behind)
      for (const line of lines) {
        found.push(line)
        if (enough(line)) return found.toReversed()
      }
      behind = { segment, start: part.start }
    }
  }
  return found.toReversed()
}

/** The file that is written, and the full ones before it. A writer may rotate meanwhile; then it is looked at again. */
async function openLast(
  path: string,
): Promise<{ before: readonly string[]; last: string; file: FileHandle }> {
  for (;;) {
    const segments = segmentsOf(path)
    const isOld = (): boolean => segmentsOf(path).join('\n') !== segments.join('\n')
    const last = segments.at(-1) ?? path
    let file: FileHandle
    try {
      file = await opened(last)
    } catch (error) {
      // Between its renaming and the making of the next one, nothing has the path.
      if (isOld()) continue
      throw error
    }
    if (!isOld()) return { before: segments.slice(0, -1), last, file }
    await file.close()
  }
}

/** Undefined when `keep` deleted it since, and so all before it. */
async function openedUnlessDeleted(segment: string): Promise<FileHandle | undefined> {
  try {
    return await opened(segment)
  } catch (error) {
    if (!existsSync(segment)) return undefined
    throw error
  }
}

/** Between two pieces that were read, most of all of two files: lines may be missing there. */
async function checkFollows(
  last: ScannedLine,
  next: ScannedLine,
  { segment, start }: { segment: string; start: number },
): Promise<void> {
  const { seq } = next.envelope
  const expected = last.envelope.seq + 1
  if (seq === expected || declaresLost(next.record(), expected)) return
  throw damaged(
    segment,
    (await linesUpTo(segment, start)) + 1,
    `seq is ${seq} where ${expected} should follow`,
  )
}

async function linesBackwards(
  path: string,
  { bytes, start }: Part,
  hasBlobs: boolean,
): Promise<ScannedLine[]> {
  const origin = { path, hasBlobs }
  const { lines, fault } = linesOf(new LineBlock(origin, 1, bytes), new SeqCheck())
  if (fault === undefined) return lines.toReversed()
  // To name the line, what stands before is counted now.
  const before = await linesUpTo(path, start)
  throw linesOf(new LineBlock(origin, before + 1, bytes), new SeqCheck()).fault
}

async function linesUpTo(path: string, end: number): Promise<number> {
  const file = await opened(path)
  try {
    let lines = 0
    let bytes = 0
    const origin = { path, hasBlobs: false }
    for await (const { latin1 } of blocksOf(origin, file, { onTornTail: () => undefined })) {
      lines += latin1.slice(0, end - bytes).split('\n').length - 1
      bytes += latin1.length
      if (bytes >= end) break
    }
    return lines
  } finally {
    await file.close()
  }
}

/** Whole lines, and where in the file they begin. */
interface Part {
  readonly bytes: Buffer
  readonly start: number
}

/** The whole lines of a file in parts, the last part first; closes it. */
async function* blocksBackwards(file: FileHandle, path: string): AsyncGenerator<Part> {
  try {
    let { size: start } = await file.stat()
    /** What was read and stands behind, in order: the beginning of a line that is longer than a chunk. */
    let rest: Buffer[] = []
    let restBytes = 0
    let isTail = true
    while (start > 0) {
      const length = Math.min(CHUNK, start)
      start -= length
      const chunk = Buffer.alloc(length)
      await file.read(chunk, 0, length, start)
      const end = chunk.lastIndexOf(NEWLINE) + 1
      if (isTail) {
        if (end === 0) continue
        rest = [chunk.subarray(0, end)]
        isTail = false
      } else rest.unshift(chunk)
      restBytes += rest.length === 1 ? end : length
      if (restBytes > LONGEST)
        throw damaged(path, (await linesUpTo(path, start)) + 1, 'it is longer than 256 MiB')
      // At the file's start a line begins without a newline before it; the last byte of the rest is the end of a line.
      const first =
        start === 0 ? 0 : chunk.subarray(0, rest.length === 1 ? end - 1 : length).indexOf(NEWLINE) + 1
      if (first === 0 && start > 0) continue
      const bytes = Buffer.concat(rest)
      yield { bytes: bytes.subarray(first), start: start + first }
      rest = [chunk.subarray(0, first)]
      restBytes = first
    }
  } finally {
    await file.close()
  }
}
