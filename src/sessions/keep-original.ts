import { chmodSync, constants, copyFileSync } from 'node:fs'
import { hasCode } from '../files/file-errors.ts'
import { onFile } from './session-errors.ts'
import type { SessionPaths } from './session-paths.ts'

/** Keeps a copy of a JSON file of an older format (`<id>.json.v0`) before it is written over; one that there is stays. */
export function keepOriginal({ json }: SessionPaths, version: number): void {
  const copy = `${json}.v${version}`
  onFile(copy, 'written', () => {
    try {
      copyFileSync(json, copy, constants.COPYFILE_EXCL)
      chmodSync(copy, 0o600)
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
  })
}
