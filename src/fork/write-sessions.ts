import { isDeepStrictEqual } from 'node:util'
import { lockFile } from '../files/lock-file.ts'
import { makeFolder } from '../files/make-folder.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { Session } from '../messages/session.ts'
import { HeldSessionFiles } from '../sessions/held-session-files.ts'
import { readSessionFiles } from '../sessions/read-session-files.ts'
import { removeSessionFiles, removeTail } from '../sessions/remove-session-files.ts'
import { onFile, sessionInUse } from '../sessions/session-errors.ts'
import { checkSessionId, quoteId } from '../sessions/session-id.ts'
import { sessionPaths, type SessionPaths } from '../sessions/session-paths.ts'

/** `same` had the file already, `written` is new, `replaced` was there with something else. */
export type Written = 'replaced' | 'same' | 'written'

/**
 * Writes one session into a folder of session files, in the format and under the lock of the store. What is there already
 * and differs is replaced only with `force`.
 *
 * @throws BuslineError `INVALID_SESSION_ID` (a record may say anything), `SESSION_IN_USE`, `FILE_FAILED` when there is another
 * session of that id, or one that can't be read
 */
export function writeSession(dir: string, session: Session, { force = false } = {}): Written {
  const paths = sessionPaths(dir, checkSessionId(session.id))
  onFile(dir, 'written', () => makeFolder(dir))
  const lock = onFile(paths.lock, 'locked', () => lockFile(paths.lock))
  if ('heldBy' in lock) throw sessionInUse(session.id, lock.heldBy)

  try {
    const before = stored(paths, force)
    if (before !== undefined && isDeepStrictEqual(before, plain(session))) return 'same'
    if (before !== undefined && !force) throw another(paths)
    // First, so that nobody ever applies the changes of what was there to what is written.
    removeTail(paths)
    const tail = { lines: 0, wholeBytes: 0, tornBytes: 0 }
    new HeldSessionFiles({ paths, lock, redact: (text) => text, session, tail }).save()
    return before === undefined ? 'written' : 'replaced'
  } finally {
    lock.release()
  }
}

/**
 * Writes several sessions into a folder, or none: when one can't be written, those that were are removed again.
 *
 * @throws BuslineError as {@link writeSession}
 */
export function writeSessions(dir: string, sessions: readonly Session[]): void {
  const written: SessionPaths[] = []
  try {
    for (const session of sessions)
      if (writeSession(dir, session) === 'written') written.push(sessionPaths(dir, session.id))
  } catch (error) {
    for (const paths of written) removeSessionFiles(paths)
    throw error
  }
}

/** What is there as data; null for files that can't be read as a session, which only `force` replaces. */
function stored(paths: SessionPaths, force: boolean): unknown {
  try {
    const found = readSessionFiles(paths)
    return found && plain(found.session)
  } catch (error) {
    if (force && error instanceof BuslineError && UNREADABLE.has(error.code)) return null
    throw error
  }
}

const UNREADABLE = new Set(['SESSION_DAMAGED', 'SESSION_FROM_FUTURE'])

/** As JSON has it: an open turn that there is not is no field. */
function plain(session: Session): unknown {
  return JSON.parse(JSON.stringify(session))
}

function another({ id, json }: SessionPaths): BuslineError {
  return new BuslineError(
    'FILE_FAILED',
    `${json} holds another session ${quoteId(id)}, which is not written over. Choose another folder, or force it.`,
    { data: { path: json, session: id } },
  )
}
