import type { JournalRecord } from '../bus/journal.ts'
import { scanJournal } from '../journal/scan-journal.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { LineRange } from '../runs/line-range.ts'
import { ProcessChange } from '../runs/run-begun.ts'
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
  /** How many lines there are up to it: less than its number where earlier ones were deleted. */
  readonly lines: number
}

/**
 * Reads a journal up to a line, which has the number of its `seq` + 1.
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
  const process = new ProcessChange()
  let header: JournalRecord | undefined
  const range = new LineRange()
  let count = 0
  for await (const lines of scanJournal(path, { blobs: 'resolve' })) {
    for (const line of lines) {
      const { envelope } = line
      range.take(line.line)
      count++
      const isLast = line.line === at
      const isWhole =
        isLast || count === 1 || SessionRecords.follows(envelope.type) || OpenWork.reads(envelope.type)
      const found = isWhole ? line.record() : envelope
      if (count === 1) header = headerIn(path, found)
      const record = isLast && changes.length > 0 ? changedRecord(found, changes) : found
      if (process.at(envelope, () => line.record())) {
        sessions.leave()
        work.leave()
      }
      sessions.take(record)
      work.take(record)
      if (isLast && header) return { header, record, sessions, work, lines: count }
    }
  }
  throw new BuslineError(
    'MESSAGE_NOT_IN_RUN',
    `${path} ${range.toString()}, so there is no line ${at} to fork at.`,
    { data: { path, line: at, lines: count } },
  )
}

function headerIn(path: string, record: JournalRecord): JournalRecord {
  if (record.kind === 'header') return record
  throw new BuslineError(
    'JOURNAL_DAMAGED',
    `Line ${record.seq + 1} of ${path} is no header, so the run has no beginning that could be copied.`,
    { data: { path, line: record.seq + 1 } },
  )
}
