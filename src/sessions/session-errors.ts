import { whyOf } from '../files/file-errors.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { quoteId } from './session-id.ts'

/** `SESSION_DAMAGED`: a stored session can't be read as one. `line` counts from 1, for a file of lines. */
export function sessionDamaged(
  path: string,
  why: string,
  more: { line?: number; cause?: unknown } = {},
): BuslineError {
  const { line, cause } = more
  const where = line === undefined ? path : `line ${line} of ${path}`
  return new BuslineError(
    'SESSION_DAMAGED',
    `The session can't be read, ${where} is damaged: ${why}. Repair it, restore it from a copy, or move the session's files away to begin anew.`,
    { data: { path, ...(line === undefined ? {} : { line }) }, ...(cause === undefined ? {} : { cause }) },
  )
}

/** `SESSION_FROM_FUTURE`: the file was written in a format that this version of Busline does not know. */
export function sessionFromFuture(path: string, version: number): BuslineError {
  return new BuslineError(
    'SESSION_FROM_FUTURE',
    `The session file ${path} has format version ${version}; this Busline knows 1. Upgrade busline to open it.`,
    { data: { path, version } },
  )
}

/** `SESSION_IN_USE`: a live process holds the session; it may be this one, through another store. */
export function sessionInUse(id: string, pid: number): BuslineError {
  const holder = pid === process.pid ? `another store of this process (${pid})` : `process ${pid}`
  return new BuslineError(
    'SESSION_IN_USE',
    `Session ${quoteId(id)} is in use by ${holder}. Close it there, or choose another session.`,
    { data: { session: id, pid } },
  )
}

/** `SESSION_BUSY`: a turn of the session runs, and would lose what it writes to. */
export function sessionBusy(id: string, turn: string): BuslineError {
  return new BuslineError(
    'SESSION_BUSY',
    `Session ${quoteId(id)} can't be closed while its turn ${turn} runs. Wait for the turn's end, or cancel it, then close the session.`,
    { data: { session: id, turn } },
  )
}

/** `SESSION_NOT_FOUND`: there is no such session in the store. */
export function sessionNotFound(id: string, cause?: unknown): BuslineError {
  return new BuslineError(
    'SESSION_NOT_FOUND',
    `There is no session ${quoteId(id)}. ListSessions tells which there are.`,
    {
      data: { session: id },
      ...(cause === undefined ? {} : { cause }),
    },
  )
}

/** Runs work on a file. What the system refuses becomes `FILE_FAILED`, naming the path and the reason. */
export function onFile<T>(path: string, done: 'locked' | 'read' | 'removed' | 'written', work: () => T): T {
  try {
    return work()
  } catch (error) {
    const isSystemError = error instanceof Error && !(error instanceof BuslineError) && 'code' in error
    if (!isSystemError) throw error
    throw new BuslineError(
      'FILE_FAILED',
      `${path} can't be ${done}: ${whyOf(error)}. Sessions need a folder that can be read and written.`,
      { data: { path }, cause: error },
    )
  }
}
