import type { JournalRecord } from '../bus/journal.ts'
import { isJournalRecord } from './journal-record.ts'

/** How every record begins. Inside a string the quotes would be escaped. */
const BEGINNING = /\{"(?:v":\d+,"seq|seq)":\d/g

/** How often bytes are looked through for records that are none: beginnings without an end would each cost the whole. */
const MOST_IN_VAIN = 20

/** A record that was found in bytes that are no line, and which bytes it takes. */
export interface Salvaged {
  readonly start: number
  readonly end: number
  readonly record: JournalRecord
}

/**
 * The whole records in bytes that are no line: where a newline was overwritten, its neighbours are whole still. What stands
 * inside a record is not looked at again.
 */
export function salvageRecords(bytes: Buffer): Salvaged[] {
  const latin1 = bytes.toString('latin1')
  const found: Salvaged[] = []
  let from = 0
  let vain = 0
  for (const { index } of latin1.matchAll(BEGINNING)) {
    if (index < from) continue
    const end = endOfObject(latin1, index)
    const record = end === -1 ? undefined : recordIn(bytes.subarray(index, end))
    if (!record) {
      vain += (end === -1 ? bytes.length : end) - index
      if (vain > MOST_IN_VAIN * bytes.length) break
      continue
    }
    found.push({ start: index, end, record })
    from = end
  }
  return found
}

/** Where the object that begins at `start` ends, -1 if it does not: braces are counted outside strings. */
function endOfObject(text: string, start: number): number {
  const marks = /["{}\\]/g
  marks.lastIndex = start
  let depth = 0
  let inString = false
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    const [character] = mark
    if (character === '\\') marks.lastIndex++
    else if (character === '"') inString = !inString
    else if (!inString) depth += character === '{' ? 1 : -1
    if (depth === 0) return marks.lastIndex
  }
  return -1
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The record that bytes are as a whole; undefined when they are none. */
export function recordIn(bytes: Uint8Array): JournalRecord | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes))
    return isJournalRecord(value) && Number.isSafeInteger(value.seq) && value.seq >= 0 ? value : undefined
  } catch {
    return undefined
  }
}
