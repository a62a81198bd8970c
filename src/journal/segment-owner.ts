import { closeSync, openSync, readSync } from 'node:fs'
import type { JournalFile, JournalFiles } from './journal-files.ts'
import { headerOf, HEADER_BYTES } from './header-of.ts'
import { isJournalRecord } from './journal-record.ts'

type Readable = Pick<JournalFile, 'read'>

/** By so much a segment's number may be more than its header says: names before it were taken. */
const NEAR = 100
/** What numbers with more digits are is not believed without a header. */
const FIVE_DIGITS = 99_999

/** Whether a file begins with the header of the segment that it is by its name: what may be deleted as such. */
export function isSegmentOf(file: Readable, number: number): boolean {
  const header = headerOf(file)
  return header !== undefined && header.segment <= number && number < header.segment + NEAR
}

/**
 * Whether a file with a segment's name is surely none: it has lines of another kind, or is a journal that is numbered otherwise (a
 * copy). One whose beginning is damaged is taken for a segment, for it has to be told as that.
 */
export function isForeignTo(file: Readable, number: number): boolean {
  if (headerOf(file)) return !isSegmentOf(file, number)
  if (number > FIVE_DIGITS) return true
  const [line = ''] = Buffer.from(file.read(0, HEADER_BYTES)).toString().split('\n', 1)
  try {
    return !isJournalRecord(JSON.parse(line))
  } catch {
    return false
  }
}

/** Asks about a file by its path; undefined when there is none that can be read, `whenHeld` when somebody writes it. */
export function asked<T>(
  files: JournalFiles,
  path: string,
  question: (file: Readable) => T,
  whenHeld?: T,
): T | undefined {
  try {
    // An open makes a file that is missing.
    if (!files.stat(path)) return undefined
    const file = files.open(path)
    if ('heldBy' in file) return whenHeld
    try {
      return question(file)
    } finally {
      file.close()
    }
  } catch {
    return undefined
  }
}

/** The same of the real file system, without a lock. */
export function askedOnDisk<T>(path: string, question: (file: Readable) => T): T | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return undefined
  }
  try {
    return question({
      read(position, length) {
        const bytes = Buffer.alloc(length)
        return bytes.subarray(0, readSync(file, bytes, 0, length, position))
      },
    })
  } catch {
    return undefined
  } finally {
    closeSync(file)
  }
}
