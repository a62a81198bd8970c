import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JournalRecord } from 'busline'
import { resolveBlobs } from 'busline/journal'
import { expect, test } from 'vitest'
import { blobFolderOf, blobPath, referenceTo } from '../../src/journal/blob-reference.ts'
import { thrownBy } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'

/** A journal's path with a blob beside it, and the reference to that. */
function journalWithBlob(value: unknown): { path: string; reference: object } {
  const path = join(temporaryFolder(), 'a.jsonl')
  const json = JSON.stringify(value)
  const reference = referenceTo(value, json)
  mkdirSync(blobFolderOf(path))
  writeFileSync(blobPath(blobFolderOf(path), reference.$blob), json)
  return { path, reference }
}

const recordOf = (fields: object): JournalRecord => ({ seq: 4, time: 1, kind: 'event', type: 'x', ...fields })

test('a reference is filled in as data, output or error, whole or deep inside', () => {
  const { path, reference } = journalWithBlob('big')
  for (const field of ['data', 'output', 'error'])
    expect(resolveBlobs(recordOf({ [field]: reference }), path)).toEqual(recordOf({ [field]: 'big' }))
  const deep = JSON.parse(`${'['.repeat(100_000)}${JSON.stringify(reference)}${']'.repeat(100_000)}`)
  let value = resolveBlobs(recordOf({ data: deep }), path).data
  while (Array.isArray(value)) [value] = value

  expect(value).toBe('big')
})

test('what a blob holds is not looked through', () => {
  const inner = { $blob: `sha256-${'0'.repeat(64)}`, bytes: 1, preview: '' }
  const { path, reference } = journalWithBlob([inner])

  expect(resolveBlobs(recordOf({ data: reference }), path).data).toEqual([inner])
})

test('a reference in a full segment is looked for in the folder of the run', () => {
  const { path, reference } = journalWithBlob('big')

  expect(resolveBlobs(recordOf({ data: reference }), path.replace('.jsonl', '.00007.jsonl')).data).toBe('big')
})

test('a value that is no reference stays: other keys, another order, a hash that leads elsewhere', () => {
  const { path, reference } = journalWithBlob('big')
  const values = [
    { ...reference, more: 1 },
    Object.fromEntries(Object.entries(reference).toReversed()),
    { ...reference, $blob: '../../etc/passwd' },
    { ...reference, $blob: `sha256-${'A'.repeat(64)}` },
    { $blob: 'mine' },
  ]

  for (const value of values)
    expect(resolveBlobs(recordOf({ data: { value } }), path).data).toEqual({ value })
})

test('a line is named by its number when that is given, else by its place', () => {
  const { path } = journalWithBlob('big')
  const data = { $blob: `sha256-${'0'.repeat(64)}`, bytes: 1, preview: '' }

  expect(thrownBy(() => resolveBlobs(recordOf({ data }), path))).toMatchObject({ data: { line: 5 } })
  expect(thrownBy(() => resolveBlobs(recordOf({ data }), path, 9))).toMatchObject({ data: { line: 9 } })
})

test('a file that has the right hash and is not JSON is BLOB_MISSING, which names it', () => {
  const path = join(temporaryFolder(), 'a.jsonl')
  const reference = referenceTo('', 'not JSON')
  mkdirSync(blobFolderOf(path))
  writeFileSync(blobPath(blobFolderOf(path), reference.$blob), 'not JSON')

  expect(thrownBy(() => resolveBlobs(recordOf({ data: reference }), path))).toMatchObject({
    code: 'BLOB_MISSING',
    message: expect.stringContaining('is not JSON'),
    data: { path, hash: reference.$blob },
  })
})
