import type { JournalRecord } from '../bus/journal.ts'
import { scanJournal } from '../journal/scan-journal.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { changedRecord, type ForkChanges } from './fork-changes.ts'
import { OpenWork } from './open-work.ts'
import { SessionRecords, type SessionProblem } from './session-records.ts'

/** A run up to a line: its sessions, and what was under way. */
export interface Survey {
  readonly header: JournalRecord
  /** The record at the line, changed as asked. */
  readonly record: JournalRecord
  readonly sessions: SessionRecords
  readonly work: OpenWork
}

/**
 * Reads a journal up to a line, counted from 1.
 *
 * @throws BuslineError `MESSAGE_NOT_IN_RUN` when the journal has no such line, `JOURNAL_DAMAGED` when it does not begin with
 * a header
 */
export async function survey(
  path: string,
  at: number,
  { changes, onProblem }: { changes: ForkChanges['record']; onProblem: (problem: SessionProblem) => void },
): Promise<Survey> {
  const sessions = new SessionRecords(onProblem)
  const work = new OpenWork()
  let header: JournalRecord | undefined
  let last = 0
  for await (const lines of scanJournal(path, { blobs: 'resolve' })) {
    for (const line of lines) {
      const { envelope } = line
      last = line.line
      const isWhole =
        last === at || last === 1 || SessionRecords.follows(envelope.type) || OpenWork.reads(envelope.type)
      const found = isWhole ? line.record() : envelope
      if (last === 1) header = headerIn(path, found)
      const record = last === at && changes.length > 0 ? changedRecord(found, changes) : found
      sessions.take(record)
      work.take(record)
      if (last === at && header) return { header, record, sessions, work }
    }
  }
  throw new BuslineError(
    'MESSAGE_NOT_IN_RUN',
    `${path} has ${last} lines, so there is no line ${at} to fork at. Choose one from 1 to ${last}.`,
    { data: { path, line: at, lines: last } },
  )
}

function headerIn(path: string, record: JournalRecord): JournalRecord {
  if (record.kind === 'header') return record
  throw new BuslineError(
    'JOURNAL_DAMAGED',
    `Line 1 of ${path} is no header, so the run has no beginning that could be copied.`,
    { data: { path, line: 1 } },
  )
}
