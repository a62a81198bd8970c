import type { JournalFile } from './journal-files.ts'
import { isJournalRecord } from './journal-record.ts'

/** Bytes that a header has at most; what is longer is not looked for. */
export const HEADER_BYTES = 64 * 1024

/** What the first line of a journal tells of it. */
export interface HeaderFacts {
  /** Epoch milliseconds. */
  readonly time: number
  readonly run: string
  /** Counted from 1. */
  readonly segment: number
}

/** What a file's header tells; undefined when it does not begin with one. */
export function headerOf(file: Pick<JournalFile, 'read'>): HeaderFacts | undefined {
  const [line = ''] = Buffer.from(file.read(0, HEADER_BYTES)).toString().split('\n', 1)
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  return factsIn(value)
}

/** Looked at by hand: whoever reads a journal should not wait for a library of schemas. */
function factsIn(value: unknown): HeaderFacts | undefined {
  if (!isJournalRecord(value) || value.kind !== 'header' || value.type !== 'busline.journal') return undefined
  const { time, data } = value
  if (typeof data !== 'object' || data === null || !('run' in data) || typeof data.run !== 'string')
    return undefined
  const segment = 'segment' in data ? (data.segment ?? 1) : 1
  return typeof segment === 'number' ? { time, run: data.run, segment } : undefined
}
