import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { hasCode } from './file-errors.ts'

/**
 * Makes a folder and those above it, mode 0700; one that is there is left as it is. By hand, because Node's
 * `mkdirSync(…, { recursive: true })` never returns below a folder that exists but takes none: a symbolic link to
 * what is not mounted, or /proc (seen with Node 20).
 */
export function makeFolder(path: string): void {
  try {
    makeOne(path)
  } catch (error) {
    const parent = dirname(path)
    if (!hasCode(error, 'ENOENT') || parent === path) throw error
    makeFolder(parent)
    makeOne(path)
  }
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, 0o700)
  } catch (error) {
    const isThere = hasCode(error, 'EEXIST') && statSync(path, { throwIfNoEntry: false })?.isDirectory()
    if (!isThere) throw error
  }
}
