import type { JournalRecord } from '../bus/journal.ts'
import type { Session } from '../messages/session.ts'
import { SessionRecords, type SessionProblem } from './session-records.ts'

export interface SessionsInOptions {
  /** The last line that counts, from 1 (default: all). */
  upTo?: number
  /** Told of each record that should have changed a session and could not. */
  onProblem?: (problem: SessionProblem) => void
}

/**
 * Rebuilds sessions from the records of a run alone, as its store had them after the last record: messages, fields, version,
 * open turn, free context. A session is whole from the first result of `session.open` on; one that was deleted is not in the
 * map, one that was closed is. `updatedAt` is the time of the result that told of the last change, which is at most as late as
 * that result was written after the change. Holds the sessions, not the run.
 */
export async function sessionsIn(
  records: Iterable<JournalRecord> | AsyncIterable<JournalRecord>,
  options: SessionsInOptions = {},
): Promise<Map<string, Session>> {
  const { upTo = Infinity, onProblem } = options
  const sessions = new SessionRecords(onProblem)
  let line = 0
  for await (const record of records) {
    if (++line > upTo) break
    sessions.take(record)
  }
  return sessions.sessions()
}
