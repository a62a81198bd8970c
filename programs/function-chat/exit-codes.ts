import { BuslineError, type ErrorCode } from 'busline'
import { UsageError } from './usage-error.ts'

/** Exit codes of all programs. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  damaged: 3,
  io: 4,
  replayMiss: 5,
  interrupted: 130,
} as const

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  INVALID_SESSION_ID: EXIT.usage,
  SESSION_NOT_FOUND: EXIT.usage,
  VALIDATION_FAILED: EXIT.usage,
  SESSION_DAMAGED: EXIT.damaged,
  SESSION_FROM_FUTURE: EXIT.damaged,
  JOURNAL_DAMAGED: EXIT.damaged,
  SESSION_IN_USE: EXIT.io,
  JOURNAL_IN_USE: EXIT.io,
  JOURNAL_FAILED: EXIT.io,
  FILE_FAILED: EXIT.io,
  EXPORT_FAILED: EXIT.io,
  BLOB_MISSING: EXIT.damaged,
  RECORD_FROM_FUTURE: EXIT.damaged,
  INVALID_FILTER: EXIT.usage,
  INVALID_OPTION: EXIT.usage,
  MESSAGE_NOT_IN_RUN: EXIT.usage,
  RUN_NOT_FOUND: EXIT.usage,
  REPLAY_DIVERGED: EXIT.replayMiss,
  REPLAY_GUARD: EXIT.replayMiss,
  WHAT_IF_STOPPED: EXIT.replayMiss,
}

/** The exit code for what a program threw. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage
  return (error instanceof BuslineError && BY_CODE[error.code]) || EXIT.failed
}
