import { isUtf8 } from 'node:buffer'
import { addAbortSignal, type Readable } from 'node:stream'
import { BuslineError } from 'busline'

/** A line of standard input, or why it can't be used. */
export type InputLine = { number: number; text: string } | { number: number; problem: string }

const NEWLINE = 0x0a
const decoder = new TextDecoder()

/**
 * Reads lines from a pipe as they come, until its end or the signal. Bytes that are not UTF-8 text make that line a
 * problem of its own; the others go on.
 *
 * @throws BuslineError `FILE_FAILED` when the input can't be read
 */
export async function* inputLines(stdin: Readable, signal: AbortSignal): AsyncGenerator<InputLine> {
  let open: Buffer[] = []
  let number = 0
  for await (const bytes of chunksOf(stdin, signal)) {
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      yield toLine(++number, Buffer.concat([...open, bytes.subarray(start, end)]))
      open = []
      start = end + 1
    }
    if (start < bytes.length) open.push(bytes.subarray(start))
  }
  if (open.length > 0) yield toLine(++number, Buffer.concat(open))
}

async function* chunksOf(stdin: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  const chunks: AsyncIterable<Buffer | string> = addAbortSignal(signal, stdin)
  try {
    for await (const chunk of chunks) yield Buffer.from(chunk)
  } catch (error) {
    if (signal.aborted) return
    const why = error instanceof Error ? error.message : String(error)
    throw new BuslineError('FILE_FAILED', `Standard input can't be read: ${why}.`, { cause: error })
  }
}

function toLine(number: number, bytes: Buffer): InputLine {
  // No text holds a NUL, but many a binary is valid UTF-8 for a line.
  if (isUtf8(bytes) && !bytes.includes(0)) return { number, text: decoder.decode(bytes).replace(/\r$/, '') }
  return {
    number,
    problem: `Line ${number} of the input is not UTF-8 text. It was not sent, nor will be others like it.`,
  }
}
