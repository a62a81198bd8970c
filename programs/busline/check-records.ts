import { closeSync, openSync, readSync } from 'node:fs'
import { BuslineError, visibleLine } from 'busline'
import { scanJournal } from 'busline/journal'
import { segmentsOf } from './run-files.ts'

const NEWLINE = 0x0a
const CHUNK = 64 * 1024

/** Bytes of stdin that are held while its first line has no end; whoever reads more judges them. */
const MOST_HELD = 16 * 1024 * 1024

/** @throws BuslineError `JOURNAL_DAMAGED` for a run without a whole line, `FILE_FAILED` for one that can't be read */
export async function checkRecords(path: string): Promise<void> {
  if (!(await hasLines(path))) throw noRecords(path)
}

/** Whether there is a whole line in a run. @throws BuslineError `FILE_FAILED` */
export async function hasLines(path: string): Promise<boolean> {
  try {
    return segmentsOf(path).some(hasLine)
  } catch {
    // Said in the words of whoever reads journals.
    for await (const lines of scanJournal(path)) return lines.length > 0
    return false
  }
}

function hasLine(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(CHUNK)
    for (;;) {
      const read = readSync(file, bytes, 0, CHUNK, null)
      if (read === 0) return false
      if (bytes.subarray(0, read).includes(NEWLINE)) return true
    }
  } finally {
    closeSync(file)
  }
}

/** The same bytes, when there is a line among them. @throws BuslineError `JOURNAL_DAMAGED` when they end without one */
export async function checkedInput(
  name: string,
  input: AsyncIterable<Uint8Array>,
): Promise<AsyncGenerator<Uint8Array>> {
  const chunks = input[Symbol.asyncIterator]()
  const held: Uint8Array[] = []
  let bytes = 0
  for (;;) {
    const { value, done } = await chunks.next()
    if (done === true) throw noRecords(name)
    held.push(value)
    bytes += value.length
    if (value.includes(NEWLINE) || bytes > MOST_HELD) return joined(held, chunks)
  }
}

async function* joined(
  held: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* held
  yield* { [Symbol.asyncIterator]: () => rest }
}

function noRecords(path: string): BuslineError {
  return new BuslineError(
    'JOURNAL_DAMAGED',
    `${visibleLine(path, 200)} is no journal: it holds not a single record.`,
    { data: { path } },
  )
}
