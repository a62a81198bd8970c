import { lstatSync, readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Participant } from '../bus/bus.ts'
import { hasCode } from '../files/file-errors.ts'
import { lockFile, type FileLock } from '../files/lock-file.ts'
import { HeldSessionFiles } from './held-session-files.ts'
import { makeFolder } from '../files/make-folder.ts'
import { readSessionFiles } from './read-session-files.ts'
import { removeSessionFiles, removeTail } from './remove-session-files.ts'
import { onFile, sessionInUse, sessionNotFound } from './session-errors.ts'
import { isSessionId } from './session-id.ts'
import { sessionPaths, type SessionPaths } from './session-paths.ts'
import type { SessionStorage } from './session-storage.ts'
import { checkFolder, checkSessionOptions, type SessionOptions } from './session-options.ts'
import { sessionStore } from './session-store.ts'

/**
 * A session store in JSON files that `jq` and people can read: `<dir>/<id>.json`, and `<id>.tail.jsonl` with the
 * changes since it was written (README.md beside this file). An open session is held by one store of one process;
 * that of a dead process is taken over. Secrets of the bus are not written.
 *
 * @param dir made when first needed; folder 0700, files 0600
 * @throws BuslineError `INVALID_OPTION`
 */
export function jsonFileSessions(dir: string, options: SessionOptions = {}): Participant {
  checkFolder(dir)
  checkSessionOptions(options)
  // Resolved once: a later chdir must not move open sessions.
  const root = resolve(dir)
  return function jsonFileSessions(bus) {
    const storage = fileStorage(root, (text) => bus.redact(text))
    return sessionStore(bus, storage, options)
  }
}

function fileStorage(dir: string, redact: (text: string) => string): SessionStorage {
  return {
    ids: () => idsIn(dir),
    read: (id) => readSessionFiles(sessionPaths(dir, id)),

    hold(id, create) {
      const paths = sessionPaths(dir, id)
      onFile(dir, 'written', () => makeFolder(dir))
      const lock = take(paths)
      try {
        const stored = readSessionFiles(paths)
        if (stored) return new HeldSessionFiles({ paths, lock, redact, ...stored }).prepare()

        // A tail without its JSON file was left by a delete that died; its lines must not become ours.
        removeTail(paths)
        const tail = { lines: 0, wholeBytes: 0, tornBytes: 0 }
        const held = new HeldSessionFiles({ paths, lock, redact, session: create(), tail })
        held.save()
        return held.prepare()
      } catch (error) {
        lock.release()
        throw error
      }
    },

    remove(id) {
      const paths = sessionPaths(dir, id)
      const isThere = onFile(paths.json, 'read', () => lstatSync(paths.json, { throwIfNoEntry: false }))
      if (!isThere) throw sessionNotFound(id)
      const lock = take(paths)
      try {
        removeSessionFiles(paths)
      } finally {
        lock.release()
      }
    },
  }
}

function idsIn(dir: string): string[] {
  const names = onFile(dir, 'read', () => {
    try {
      return readdirSync(dir)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return []
      throw error
    }
  })
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .filter(isSessionId)
}

function take({ id, lock: path }: SessionPaths): FileLock {
  const lock = onFile(path, 'locked', () => lockFile(path))
  if ('heldBy' in lock) throw sessionInUse(id, lock.heldBy)
  return lock
}
