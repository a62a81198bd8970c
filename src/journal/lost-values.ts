import { existsSync } from 'node:fs'
import type { JournalRecord } from '../bus/journal.ts'
import { blobFolderOf, isReference, mayHoldBlobs, type BlobReference } from './blob-reference.ts'
import { hasBlob } from './resolve-blobs.ts'

/** A line without what it can't give any more. */
export interface MendedLine {
  readonly text: string
  /** References that it told to be lost. */
  readonly lostValues: number
}

/**
 * A record's line as readers can take it, when big values are not beside the journal any more: their references get one more
 * field, `lost: true`, so that they are values by themselves, which still tell hash, length and beginning. Undefined when
 * nothing is lost, and where there is no folder of values at all: that was left behind, and comes back.
 *
 * @param there what is known already of values by their hashes, each of which is looked at once
 */
export function mendedLine(
  bytes: Buffer,
  record: JournalRecord,
  { path, there }: { path: string; there: Map<string, boolean> },
): MendedLine | undefined {
  if (!mayHoldBlobs(bytes) || !existsSync(blobFolderOf(path))) return undefined
  let text = bytes.toString()
  let lostValues = 0
  for (const reference of referencesIn(record)) {
    const isThere = there.get(reference.$blob) ?? hasBlob(reference, path)
    there.set(reference.$blob, isThere)
    if (isThere) continue
    const [before, ...after] = text.split(JSON.stringify(reference))
    if (before === undefined || after.length === 0) continue
    lostValues += after.length
    text = [before, ...after].join(JSON.stringify({ ...reference, lost: true }))
  }
  return lostValues === 0 ? undefined : { text, lostValues }
}

function* referencesIn(record: JournalRecord): Generator<BlobReference> {
  // Without recursion: a hostile line may nest deeper than the stack.
  const open: object[] = [record]
  for (let item = open.pop(); item; item = open.pop()) {
    for (const member of Object.values(item)) {
      if (typeof member !== 'object' || member === null) continue
      if (isReference(member)) yield member
      else open.push(member)
    }
  }
}
