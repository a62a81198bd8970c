import { closeSync, openSync, readSync } from 'node:fs'
import { BuslineError, visibleLine } from 'busline'
import type { JournalSource } from 'busline/journal'
import { segmentsOf } from './run-files.ts'

const NEWLINE = 0x0a
const CHUNK = 64 * 1024

/** What is said of a file without a single record: it is no journal. */
export function noRecords({ name, path }: { name: string; path: string | undefined }): BuslineError {
  const place = visibleLine(path ?? name, 200)
  return new BuslineError('JOURNAL_DAMAGED', `${place} is no journal: it holds not a single record.`, {
    data: { path: path ?? name },
  })
}

/** @throws BuslineError `JOURNAL_DAMAGED` for a run without a whole line; what can't be read is left to whoever reads it */
export function checkRecords(run: { name: string; path: string }): void {
  if (!segmentsOf(run.path).some(hasLine)) throw noRecords(run)
}

function hasLine(path: string): boolean {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const bytes = Buffer.allocUnsafe(CHUNK)
    for (;;) {
      const read = readSync(file, bytes, 0, CHUNK, null)
      if (read === 0) return false
      if (bytes.subarray(0, read).includes(NEWLINE)) return true
    }
  } catch {
    return true
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** The bytes of stdin as they come, and whether there was a line among them. */
export class WatchedSource {
  readonly source: JournalSource
  #hasLine = false

  constructor(source: JournalSource) {
    this.source = typeof source === 'string' ? source : this.#watched(source)
  }

  get hasLine(): boolean {
    return typeof this.source === 'string' || this.#hasLine
  }

  async *#watched(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.#hasLine ||= chunk.includes(NEWLINE)
      yield chunk
    }
  }
}
