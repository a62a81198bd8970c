import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { stemOf } from './segment-names.ts'

/** What stands in a line in place of a big value. Its keys are exactly these, in this order. */
export interface BlobReference {
  /** `sha256-` and the hash of the value's JSON in UTF-8, 64 hexadecimal digits. */
  readonly $blob: string
  /** Length of that JSON. */
  readonly bytes: number
  /** The first 100 characters: of a string itself, else of its JSON. */
  readonly preview: string
}

const HASH = /^sha256-[0-9a-f]{64}$/
const PREVIEW = 100

/** Stands in every line that holds a reference, and in no JSON without such a key. */
const KEY = '"$blob":'

/** Whether lines, or the JSON of a value, may hold a reference: a look at the text, before it is parsed. */
export function mayHoldBlobs(json: string | Buffer): boolean {
  return json.includes(KEY)
}

/** The reference to a value whose JSON is given. */
export function referenceTo(value: unknown, json: string): BlobReference {
  const bytes = Buffer.from(json)
  const text = typeof value === 'string' ? value : json
  return { $blob: hashOf(bytes), bytes: bytes.length, preview: beginningOf(text) }
}

export function hashOf(bytes: Uint8Array): string {
  return `sha256-${createHash('sha256').update(bytes).digest('hex')}`
}

/** A value of a line that is a reference; one with other keys, or in another order, is a user's own value. */
export function isReference(value: unknown): value is BlobReference {
  if (typeof value !== 'object' || value === null || !('$blob' in value)) return false
  const keys = Object.keys(value)
  return keys.join() === '$blob,bytes,preview' && typeof value.$blob === 'string' && HASH.test(value.$blob)
}

/** The folder of a journal's blobs, beside it: one for all segments. */
export function blobFolderOf(path: string): string {
  return `${stemOf(path)}.blobs`
}

/** The file of one blob. */
export function blobPath(folder: string, hash: string): string {
  return join(folder, `${hash}.json`)
}

/** Never half of a character that takes two. */
function beginningOf(text: string): string {
  const end = /[\uD800-\uDBFF]$/.test(text.slice(0, PREVIEW)) ? PREVIEW - 1 : PREVIEW
  return text.slice(0, end)
}
