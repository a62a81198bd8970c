import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeAtomically } from '../../src/files/write-atomically.ts'
import { temporaryFolder } from './fixtures/temporary-folder.ts'

test('the file holds the content, for the eyes of its user only, and nothing stands beside it', () => {
  const folder = temporaryFolder()
  writeAtomically(join(folder, 'a.json'), 'grüße\n')

  expect(readFileSync(join(folder, 'a.json'), 'utf8')).toBe('grüße\n')
  expect(statSync(join(folder, 'a.json')).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['a.json'])
})

test('an existing file is replaced as a whole, by another file', () => {
  const path = join(temporaryFolder(), 'a.json')
  writeFileSync(path, 'a long old content', { mode: 0o644 })
  const before = statSync(path).ino
  writeAtomically(path, 'new')

  expect(readFileSync(path, 'utf8')).toBe('new')
  expect(statSync(path).ino).not.toBe(before)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('what a killed process left half-written is no obstacle', () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, `a.json.${process.pid}.tmp`), 'half of a very long')
  writeAtomically(join(folder, 'a.json'), 'whole')

  expect(readFileSync(join(folder, 'a.json'), 'utf8')).toBe('whole')
  expect(readdirSync(folder)).toEqual(['a.json'])
})

test('when the file can not be replaced, the old one stays and the draft goes', () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'a.json', 'inner'), { recursive: true })

  expect(() => writeAtomically(join(folder, 'a.json'), 'new')).toThrow(/EISDIR|ENOTEMPTY|EEXIST/)
  expect(readdirSync(folder)).toEqual(['a.json'])
})

test('a folder that is missing is a system error with its code', () => {
  expect(() => writeAtomically(join(temporaryFolder(), 'missing', 'a.json'), 'x')).toThrow(
    expect.objectContaining({ code: 'ENOENT' }),
  )
})
