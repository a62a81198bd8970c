import { readdirSync, rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from '../files/file-errors.ts'
import { onFile, sessionNotFound } from './session-errors.ts'
import type { SessionPaths } from './session-paths.ts'

/**
 * Removes a session's files but the lock, the JSON file first: with that the session is gone, whatever a crash
 * leaves behind.
 *
 * @throws BuslineError `SESSION_NOT_FOUND`, `FILE_FAILED`
 */
export function removeSessionFiles(paths: SessionPaths): void {
  onFile(paths.json, 'removed', () => {
    try {
      unlinkSync(paths.json)
    } catch (error) {
      throw hasCode(error, 'ENOENT') ? sessionNotFound(paths.id, error) : error
    }
  })
  removeTail(paths)
  removeDrafts(paths)
}

/** Removes the tail if there is one. */
export function removeTail({ tail }: SessionPaths): void {
  onFile(tail, 'removed', () => rmSync(tail, { force: true }))
}

/** A process that died while it wrote the JSON file left a draft, which holds all that the session held. */
function removeDrafts({ dir, id }: SessionPaths): void {
  onFile(dir, 'read', () => {
    const drafts = readdirSync(dir).filter((name) => name.startsWith(`${id}.json.`) && name.endsWith('.tmp'))
    for (const name of drafts) rmSync(join(dir, name), { force: true })
  })
}
