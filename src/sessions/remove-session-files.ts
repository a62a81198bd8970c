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
  removeCopies(paths)
}

/** Removes the tail if there is one. */
export function removeTail({ tail }: SessionPaths): void {
  onFile(tail, 'removed', () => rmSync(tail, { force: true }))
}

/**
 * A process that died while it wrote the JSON file left a draft, and an upgrade leaves the original: both hold what the
 * session held.
 */
function removeCopies({ dir, id }: SessionPaths): void {
  const ending = /^(?:.*\.tmp|v\d+)$/
  onFile(dir, 'read', () => {
    const start = `${id}.json.`
    const copies = readdirSync(dir).filter(
      (name) => name.startsWith(start) && ending.test(name.slice(start.length)),
    )
    for (const name of copies) rmSync(join(dir, name), { force: true })
  })
}
