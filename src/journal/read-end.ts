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
  let tail = Buffer.alloc(0)
  for (let start = size; start > 0;) {
    const length = Math.min(CHUNK, start)
    start -= length
    tail = Buffer.concat([file.read(start, length), tail])

    const end = tail.lastIndexOf(NEWLINE)
    if (end === -1) continue
    const before = end === 0 ? -1 : tail.lastIndexOf(NEWLINE, end - 1)
    if (before === -1 && start > 0) continue
    return { lastSeq: seqOf(path, tail.toString('utf8', before + 1, end)), cutBytes: tail.length - end - 1 }
  }
  return { lastSeq: undefined, cutBytes: size }
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
    `The last line of ${path} is not a journal record. It is not continued; move it away or choose another path.`,
    {
      data: { path },
      cause,
    },
  )
}
