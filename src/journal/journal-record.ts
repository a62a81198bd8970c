import type { JournalRecord } from '../bus/journal.ts'

const TEXTS = ['id', 'of', 'session', 'turn', 'cause', 'root', 'status', 'by'] as const
const NUMBERS = ['v', 'ms', 'attempt', 'version'] as const

/** Whether a value has the envelope of a record; what it holds beside that is kept as it is. */
export function isJournalRecord(value: unknown): value is JournalRecord {
  if (!isObject(value)) return false
  const { seq, time, kind, type, error } = value
  if (typeof seq !== 'number' || typeof time !== 'number') return false
  if (typeof kind !== 'string' || typeof type !== 'string') return false
  for (const name of TEXTS) if (value[name] !== undefined && typeof value[name] !== 'string') return false
  for (const name of NUMBERS) if (value[name] !== undefined && typeof value[name] !== 'number') return false
  return error === undefined || isObject(error)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
