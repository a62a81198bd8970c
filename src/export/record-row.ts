import type { JournalRecord } from '../bus/journal.ts'
import type { Cell } from './csv-cell.ts'
import { plainJson } from './plain-text.ts'

/** The columns of the table `records`: a record's fields, and the one heavy field as JSON in `payload`. */
export const RECORD_COLUMNS = [
  'line',
  'time',
  'kind',
  'type',
  'id',
  'of',
  'session',
  'turn',
  'cause',
  'root',
  'ms',
  'status',
  'attempt',
  'by',
  'error_code',
  'error_message',
  'payload',
] as const

export function recordRow(record: JournalRecord): Cell[] {
  const { seq, time, kind, type, id, of, session, turn, cause, root, ms, status, attempt, by, error } = record
  const payload = record.data ?? record.output ?? error
  return [
    seq + 1,
    timeCell(time),
    kind,
    type,
    ...[id, of, session, turn, cause, root].map(textCell),
    numberCell(ms),
    textCell(status),
    numberCell(attempt),
    textCell(by),
    textCell(error?.code),
    textCell(error?.message),
    payload === undefined ? null : plainJson(payload),
  ]
}

/** ISO 8601 in UTC, which spreadsheets and databases read; a time that is none as it stands. */
export function timeCell(time: number): Cell {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? numberCell(time) : date.toISOString()
}

/** Fields of a record are what their types say only in a file that nobody touched. */
export function textCell(value: unknown): Cell {
  if (value === undefined || value === null) return null
  return typeof value === 'string' ? value : plainJson(value)
}

export function numberCell(value: unknown): Cell {
  return typeof value === 'number' && Number.isFinite(value) ? value : textCell(value)
}
