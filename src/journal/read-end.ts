import { BuslineError } from '../messages/busline-error.ts'
import type { JournalFile } from './journal-files.ts'

const CHUNK = 64 * 1024
const NEWLINE = 0x0a

/**
 * Finds where a journal ends, reading backwards: the `seq` of its last whole line (undefined in an empty file), and
 * how many bytes stand after the last newline, which are no record.
 */
export function readEnd(path: string, file: JournalFile): { lastSeq: number | undefined; cutBytes: number } {
  const size = file.size()
  const end = lastNewline(file, size)
  if (end === -1) return { lastSeq: undefined, cutBytes: size }
  const start = lastNewline(file, end) + 1
  const line = Buffer.from(file.read(start, end - start)).toString()
  return { lastSeq: seqOf(path, line), cutBytes: size - end - 1 }
}

/** Where the last newline before a place stands; -1 when there is none. */
function lastNewline(file: JournalFile, before: number): number {
  for (let start = before; start > 0;) {
    const length = Math.min(CHUNK, start)
    start -= length
    const place = Buffer.from(file.read(start, length)).lastIndexOf(NEWLINE)
    if (place !== -1) return start + place
  }
  return -1
}

function seqOf(path: string, line: string): number {
  try {
    const record: unknown = JSON.parse(line)
    if (typeof record === 'object' && record !== null && 'seq' in record && typeof record.seq === 'number')
      return record.seq
  } catch (error) {
    throw damaged(path, error)
  }
  throw damaged(path)
}

function damaged(path: string, cause?: unknown): BuslineError {
  return new BuslineError(
    'JOURNAL_DAMAGED',
    `The last line of ${path} is not a journal record. It is not continued: \`busline recover\` mends a journal; else choose another path.`,
    {
      data: { path },
      cause,
    },
  )
}
