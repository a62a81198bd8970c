import type { FileHandle } from 'node:fs/promises'
import { whyOf } from '../files/file-errors.ts'
import { BuslineError } from '../messages/busline-error.ts'

/** A journal: the path of its file, or its bytes as they come (`process.stdin`). */
export type JournalSource = string | AsyncIterable<Uint8Array>

/** How errors name bytes that come from no file. */
export const INPUT = 'the input'

/** Bytes read at once: what a reader holds of a file, beside a line that is longer. */
const CHUNK = 256 * 1024

/** The bytes of a file or another source in order. `FILE_FAILED` when they can't be read. */
export async function* chunksOf(
  path: string,
  source: FileHandle | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const stream: AsyncIterable<Uint8Array> =
    'createReadStream' in source
      ? source.createReadStream({ highWaterMark: CHUNK, autoClose: false })
      : source
  try {
    yield* stream
  } catch (error) {
    throw cannotRead(path, error)
  }
}

export function cannotRead(path: string, error: unknown): BuslineError {
  return new BuslineError('FILE_FAILED', `The journal ${path} can't be read: ${whyOf(error)}.`, {
    data: { path },
    cause: error,
  })
}

/** `JOURNAL_DAMAGED` for a line, counted from 1; `data.why` is what is wrong with it. */
export function damaged(path: string, line: number, why: string, cause?: unknown): BuslineError {
  return new BuslineError(
    'JOURNAL_DAMAGED',
    `Line ${line} of ${path} is damaged: ${why}. \`busline verify\` tells all damage, \`busline recover\` mends it.`,
    { data: { path, line, why }, cause },
  )
}
