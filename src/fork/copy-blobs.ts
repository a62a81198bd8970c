import { constants, copyFileSync } from 'node:fs'
import { hasCode, whyOf } from '../files/file-errors.ts'
import { makeFolder } from '../files/make-folder.ts'
import { blobFolderOf, blobPath, isReference } from '../journal/blob-reference.ts'
import { resolveBlobs } from '../journal/resolve-blobs.ts'
import { BuslineError } from '../messages/busline-error.ts'

/**
 * Copies the big values that a line refers to from beside one journal to beside another.
 *
 * @param from.line its number, as errors name it
 * @throws BuslineError `BLOB_MISSING` when one is not there, or does not hold what it did; `FILE_FAILED`
 */
export function copyBlobs(
  text: string,
  { path, line, to }: { path: string; line: number; to: string },
): void {
  const hashes = [...hashesIn(JSON.parse(text))]
  // Reads them all, which proves that they are whole.
  resolveBlobs(JSON.parse(text), path, line)
  for (const hash of hashes) copyBlob(hash, path, to)
}

function copyBlob(hash: string, from: string, to: string): void {
  const target = blobPath(blobFolderOf(to), hash)
  try {
    makeFolder(blobFolderOf(to))
    copyFileSync(blobPath(blobFolderOf(from), hash), target, constants.COPYFILE_EXCL)
  } catch (error) {
    // Named by what it holds: the same value, met again.
    if (hasCode(error, 'EEXIST')) return
    throw new BuslineError('FILE_FAILED', `${target} can't be written: ${whyOf(error)}.`, {
      data: { path: target },
      cause: error,
    })
  }
}

function* hashesIn(value: unknown): Generator<string> {
  // Without recursion: a hostile line may nest deeper than the stack.
  const open = [value]
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (typeof item !== 'object' || item === null) continue
    if (isReference(item)) yield item.$blob
    else
      for (const inner of Object.values(item))
        if (typeof inner === 'object' && inner !== null) open.push(inner)
  }
}
