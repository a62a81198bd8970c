import { mkdtempSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeFolder } from '../../src/files/make-folder.ts'

const scratch = (): string => mkdtempSync(join(tmpdir(), 'busline-folder-'))

describe('makeFolder', () => {
  test('makes a folder and those above it, for this user alone', () => {
    const path = join(scratch(), 'a', 'b')
    makeFolder(path)
    for (const one of [path, join(path, '..')]) expect(statSync(one).mode & 0o777).toBe(0o700)
  })

  test('leaves one that is there as it is', () => {
    const path = scratch()
    makeFolder(path)
    makeFolder(path)
    expect(statSync(path).isDirectory()).toBe(true)
  })

  test('fails below a file, and where a file has the name', () => {
    const file = join(scratch(), 'file')
    writeFileSync(file, '')
    expect(() => makeFolder(join(file, 'a'))).toThrow(/ENOTDIR/)
    expect(() => makeFolder(file)).toThrow(/EEXIST/)
  })

  test('comes back from below a link to nowhere', () => {
    const link = join(scratch(), 'link')
    symlinkSync('/nowhere/at/all', link)
    expect(() => makeFolder(join(link, 'a'))).toThrow(/ENOENT|EEXIST/)
  })
})
