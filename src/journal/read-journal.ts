import { createReadStream } from 'node:fs'
import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { whyOf } from '../files/file-errors.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { declaresLost } from './lost-lines.ts'

const Envelope = z.looseObject({ seq: z.number(), time: z.number(), kind: z.string(), type: z.string() })

const NEWLINE = 0x0a

export interface ReadJournalOptions {
  /** Told once when the file ends in bytes that are no whole line (a writer was killed); they are not a record. */
  onTornTail?: (tail: { line: number; bytes: number }) => void
}

/**
 * Reads a journal line by line in bounded memory: exactly what was written, unknown kinds and fields included. The one
 * gap that is no damage is the one that a `bus.lost` note declares.
 *
 * @throws BuslineError `JOURNAL_DAMAGED`, naming the line, for a gap in `seq`, a line that is no record, or bytes that
 * are not UTF-8; `FILE_FAILED` when the file can't be read
 */
export async function* readJournal(
  path: string,
  options: ReadJournalOptions = {},
): AsyncGenerator<JournalRecord> {
  let line = 0
  let expected: number | undefined
  for await (const { bytes, whole } of linesOf(path)) {
    line++
    if (!whole) {
      options.onTornTail?.({ line, bytes: bytes.length })
      return
    }
    const record = parseLine(path, line, bytes)
    if (expected !== undefined && record.seq !== expected && !declaresLost(record, expected)) {
      throw damaged(path, line, `seq is ${record.seq} where ${expected} should follow`)
    }
    expected = record.seq + 1
    yield record
  }
}

async function* linesOf(path: string): AsyncGenerator<{ bytes: Buffer; whole: boolean }> {
  let open: Buffer[] = []
  for await (const chunk of chunksOf(path)) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      open.push(chunk.subarray(start, end))
      yield { bytes: Buffer.concat(open), whole: true }
      open = []
      start = end + 1
    }
    if (start < chunk.length) open.push(chunk.subarray(start))
  }
  if (open.length > 0) yield { bytes: Buffer.concat(open), whole: false }
}

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  const stream: AsyncIterable<Buffer> = createReadStream(path)
  try {
    yield* stream
  } catch (error) {
    throw new BuslineError('FILE_FAILED', `The journal ${path} can't be read: ${whyOf(error)}.`, {
      data: { path },
      cause: error,
    })
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function parseLine(path: string, line: number, bytes: Buffer): JournalRecord {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(bytes))
  } catch (error) {
    throw damaged(path, line, 'it is not a line of JSON', error)
  }
  const record = Envelope.safeParse(value)
  if (record.success) return record.data
  throw damaged(path, line, 'it is not a journal record', record.error)
}

function damaged(path: string, line: number, why: string, cause?: unknown): BuslineError {
  return new BuslineError('JOURNAL_DAMAGED', `Line ${line} of ${path} is damaged: ${why}.`, {
    data: { path, line },
    cause,
  })
}
