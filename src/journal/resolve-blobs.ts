import { readFileSync } from 'node:fs'
import type { JournalRecord } from '../bus/journal.ts'
import { hasCode, whyOf } from '../files/file-errors.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { blobFolderOf, blobPath, hashOf, isReference, type BlobReference } from './blob-reference.ts'

/**
 * Puts a record's big values in place of the references to them, in the record itself, and returns it. What a blob
 * holds is taken as it is: a `$blob` in it is a user's.
 *
 * @param path the journal, or one of its segments: the blobs are beside it
 * @param line named by the error; default is where the record stands in a run that lost no line
 * @throws BuslineError `BLOB_MISSING` when a blob is not there, can't be read, or does not hold what it did
 */
export function resolveBlobs(record: JournalRecord, path: string, line = record.seq + 1): JournalRecord {
  // Without recursion: a hostile line may nest deeper than the stack.
  const open: object[] = [record]
  for (let item = open.pop(); item; item = open.pop()) {
    for (const [key, member] of Object.entries(item)) {
      if (typeof member !== 'object' || member === null) continue
      if (isReference(member)) fillIn(item, key, readBlob(member, path, line))
      else open.push(member)
    }
  }
  return record
}

/** Not by assignment, which would change the prototype where the key is `__proto__`. */
function fillIn(item: object, key: string, value: unknown): void {
  Object.defineProperty(item, key, { value, writable: true, enumerable: true, configurable: true })
}

/** Whether the value that a reference stands for is beside the journal, and holds what it did. */
export function hasBlob(reference: BlobReference, path: string): boolean {
  try {
    readBlob(reference, path, 0)
    return true
  } catch {
    return false
  }
}

function readBlob({ $blob: hash }: BlobReference, path: string, line: number): unknown {
  const file = blobPath(blobFolderOf(path), hash)
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    const why = hasCode(error, 'ENOENT') ? 'is not there' : `can't be read: ${whyOf(error)}`
    throw missing({ path, line, hash, file }, why, error)
  }
  if (hashOf(bytes) !== hash) throw missing({ path, line, hash, file }, 'does not hold what was recorded')
  try {
    return JSON.parse(bytes.toString())
  } catch (error) {
    // Somebody's own file, whose hash is right: a journal's blob is JSON.
    throw missing({ path, line, hash, file }, 'is not JSON', error)
  }
}

function missing(
  data: { path: string; line: number; hash: string; file: string },
  why: string,
  cause?: unknown,
): BuslineError {
  return new BuslineError(
    'BLOB_MISSING',
    `Line ${data.line} of ${data.path} refers to ${data.file}, which ${why}. Put the folder of blobs beside the journal; without it, \`busline recover\` makes the line readable.`,
    { data, cause },
  )
}
