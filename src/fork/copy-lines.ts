import type { JournalRecord } from '../bus/journal.ts'
import { mayHoldBlobs } from '../journal/blob-reference.ts'
import type { LineBlock } from '../journal/line-block.ts'
import { blocksOfRun } from '../journal/run-blocks.ts'
import { copyBlobs } from './copy-blobs.ts'
import type { ForkedFile } from './forked-file.ts'

/**
 * Writes the first `count` lines of a run byte for byte, with the big values that they refer to. The first line
 * is the header in its place; the last is `record`, where one is given.
 *
 * @throws BuslineError `BLOB_MISSING`, `FILE_FAILED`
 */
export async function copyLines(copy: {
  path: string
  count: number
  file: ForkedFile
  header: JournalRecord
  record: JournalRecord | undefined
}): Promise<void> {
  const { path, count, file, header, record } = copy
  file.line(JSON.stringify(header))
  const last = record ? count - 1 : count
  let before = 0
  for await (const block of blocksOfRun(path, { blobs: 'resolve' })) {
    const lines = block.lineCount
    const skipped = before === 0 ? 1 : 0
    const taken = Math.min(last - before, lines)
    if (taken > skipped) {
      const { latin1 } = block
      const start = behind(latin1, skipped)
      const end = taken === lines ? latin1.length : behind(latin1, taken)
      if (block.mayHoldBlobs) copyBlobsOf(block, { start, end, line: block.firstLine + skipped }, file.path)
      file.bytes(block.bytes(start, end), taken - skipped)
    }
    before += lines
    if (before >= last) break
  }
  if (record) file.line(JSON.stringify(record))
}

/** The place in a text behind so many of its lines. */
function behind(text: string, lines: number): number {
  let place = 0
  for (let line = 0; line < lines; line++) place = text.indexOf('\n', place) + 1
  return place
}

function copyBlobsOf(
  block: LineBlock,
  { start, end, line }: { start: number; end: number; line: number },
  to: string,
): void {
  const { path } = block.origin
  for (const text of block.text(start, end - 1).split('\n')) {
    if (mayHoldBlobs(text)) copyBlobs(text, { path, line, to })
    line++
  }
}
