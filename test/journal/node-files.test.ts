import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { JournalFile } from '../../src/journal/journal-files.ts'
import { nodeFiles } from '../../src/journal/node-files.ts'
import { missingFolders } from '../../src/journal/sync-folders.ts'
import { thrownBy } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'

function opened(path: string): JournalFile {
  const file = nodeFiles.open(path)
  if ('heldBy' in file) throw new Error(`held by ${file.heldBy}`)
  return file
}

test('a file takes bytes at its end, gives them back, and is cut', async () => {
  const path = join(temporaryFolder(), 'a', 'b', 'c.jsonl')
  const file = opened(path)
  onTestFinished(() => file.close())

  expect(file.append(Buffer.from('hello '))).toBe(6)
  expect(file.append(Buffer.from('world'))).toBe(5)
  await file.datasync()
  await file.datasync()
  expect(file.size()).toBe(11)
  expect(Buffer.from(file.read(4, 3)).toString()).toBe('o w')
  expect(Buffer.from(file.read(6, 100)).toString()).toBe('world')
  file.truncate(5)
  file.append(Buffer.from('!'))
  expect(readFileSync(path, 'utf8')).toBe('hello!')
})

test('a file that is open is held until it is closed', () => {
  const folder = temporaryFolder()
  const path = join(folder, 'a.jsonl')
  const file = opened(path)
  expect(nodeFiles.open(path)).toEqual({ heldBy: process.pid })

  file.close()
  expect(readdirSync(folder)).toEqual(['a.jsonl'])
  opened(path).close()
})

test('a file that can not be opened is not held', () => {
  const folder = temporaryFolder()

  expect(thrownBy(() => nodeFiles.open(folder))).toMatchObject({ code: 'EISDIR' })
  expect(readdirSync(folder)).toEqual([])
})

test('missing folders are told from the lowest up to the first that is there', () => {
  const folder = temporaryFolder()

  expect(missingFolders(join(folder, 'a', 'b'))).toEqual([join(folder, 'a', 'b'), join(folder, 'a')])
  expect(missingFolders(folder)).toEqual([])
})

test('a file is saved in place of one that is there, also synced, and nothing stands beside it', () => {
  const folder = temporaryFolder()
  const path = join(folder, 'blobs', 'a.json')
  for (const [content, options] of [['one'], ['two', { synced: true }]] as const) {
    nodeFiles.save(path, Buffer.from(content), options)
    expect(readFileSync(path, 'utf8')).toBe(content)
  }

  expect(readdirSync(join(folder, 'blobs'))).toEqual(['a.json'])
})
