import { readFileSync, statSync } from 'node:fs'
import * as z from 'zod'
import { hasCode } from '../files/file-errors.ts'
import type { Schema } from '../messages/schema.ts'
import { Session } from '../messages/session.ts'
import {
  Appended,
  Committed,
  Edited,
  placeOf,
  prepareChange,
  Updated,
  type SessionChange,
} from './session-change.ts'
import { onFile, sessionDamaged, sessionFromFuture } from './session-errors.ts'
import type { SessionPaths } from './session-paths.ts'
import type { KeptSession } from './session-storage.ts'
import type { TailState } from './tail-file.ts'
import { upgradeSession } from './upgrade-session.ts'

/** A session as its two files hold it together, and how far the tail is whole. */
export interface StoredSession extends KeptSession {
  /** `lines` counts those too that the JSON file holds already; torn bytes are a line whose writer died. */
  tail: TailState
  /** The format of the JSON file, if it is an older one. */
  upgradedFrom: number | undefined
}

/**
 * Reads a session without holding it; undefined when there is none.
 *
 * @throws BuslineError `SESSION_DAMAGED`, `SESSION_FROM_FUTURE`, `FILE_FAILED`
 */
export function readSessionFiles(paths: SessionPaths): StoredSession | undefined {
  // The tail first: a holder may fold between the two reads. Then the JSON file holds more than it did, and lines
  // that it holds are skipped; the other way round, the new tail would begin after a gap.
  const tail = readIfThere(paths.tail) ?? Buffer.alloc(0)
  const json = readIfThere(paths.json)
  if (!json) return undefined

  const { session, upgradedFrom } = parseSession(paths, json)
  const wholeBytes = tail.lastIndexOf(NEWLINE) + 1
  const lines = applyTail(session, paths.tail, tail.subarray(0, wholeBytes))
  const isUntouched = upgradedFrom !== undefined && lines === 0
  return { session, upgradedFrom, isUntouched, tail: { lines, wholeBytes, tornBytes: tail.length - wholeBytes } }
}

const NEWLINE = 0x0a

function readIfThere(path: string): Buffer | undefined {
  return onFile(path, 'read', () => {
    try {
      return readFileSync(path)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
  })
}

const FormatVersion = z.object({ v: z.number() })

function parseSession(
  { id, json: path }: SessionPaths,
  bytes: Buffer,
): { session: Session; upgradedFrom: number | undefined } {
  const value = parseJson(path, bytes)
  const format = FormatVersion.safeParse(value)
  if (format.success && format.data.v > 1) throw sessionFromFuture(path, format.data.v)

  const upgraded = upgradeSession(value, () => ({ id, modifiedAt: modifiedAt(path) }))
  const session = parseShape(Session, upgraded.session, path)
  if (session.id !== id) throw sessionDamaged(path, `its id is ${JSON.stringify(session.id)}, its name ${id}`)
  return { session, upgradedFrom: upgraded.from }
}

function modifiedAt(path: string): number {
  return onFile(path, 'read', () => Math.floor(statSync(path).mtimeMs))
}

/** Applies what the JSON file does not hold yet, and returns the number of lines. */
function applyTail(session: Session, path: string, bytes: Buffer): number {
  let line = 0
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(NEWLINE, start)
    const change = parseChange(path, line + 1, bytes.subarray(start, end))
    const place = placeOf(change, session)
    if (place === 'gap') {
      const why = `it does not follow on version ${session.version} with ${session.messages.length} messages`
      throw sessionDamaged(path, why, { line: line + 1 })
    }
    if (place === 'next') apply(session, change, path, line + 1)
    start = end + 1
  }
  return line
}

function apply(session: Session, change: SessionChange, path: string, line: number): void {
  let commit
  try {
    commit = prepareChange(session, change)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw sessionDamaged(path, `its edits do not fit the history: ${why}`, { line, cause })
  }
  commit()
}

function parseChange(path: string, line: number, bytes: Buffer): SessionChange {
  const value = parseJson(path, bytes, line)
  const has = (key: string): boolean => typeof value === 'object' && value !== null && key in value
  if (has('set')) return parseShape(Updated, value, path, line)
  if (has('edits')) return parseShape(Edited, value, path, line)
  if (has('status')) return parseShape(Committed, value, path, line)
  return parseShape(Appended, value, path, line)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parseJson(path: string, bytes: Buffer, line?: number): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (cause) {
    throw sessionDamaged(path, 'it is not JSON', { ...(line === undefined ? {} : { line }), cause })
  }
}

function parseShape<S extends Schema>(schema: S, value: unknown, path: string, line?: number): z.output<S> {
  const result = z.safeParse(schema, value)
  if (result.success) return result.data
  // One field is enough to find the place; a foreign file has thousands.
  const [first] = result.error.issues
  const field = first ? z.core.toDotPath(first.path) : ''
  const why = `${field === '' ? 'it' : `its field ${field}`} does not fit (${first?.message ?? 'unknown'})`
  throw sessionDamaged(path, why, { ...(line === undefined ? {} : { line }), cause: result.error })
}
