import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { BuslineError } from 'busline'
import type { Terminal } from './command.ts'

const PIECE = 64 * 1024

/**
 * Writes pieces to a file, or to stdout for `-`, in larger pieces and no faster than they are taken. Ends early when the
 * program is to stop or nobody reads any more. What was written stays when the pieces end in an error.
 *
 * @throws BuslineError `FILE_FAILED`
 */
export async function writePieces(
  pieces: AsyncIterable<string> | Iterable<string>,
  out: string,
  { output, signal }: Pick<Terminal, 'output' | 'signal'>,
): Promise<void> {
  const target =
    out === '-' ? { write: (text: string) => output.print(text), end: async () => {} } : file(out)
  let text = ''
  try {
    for await (const piece of pieces) {
      text += piece
      if (text.length < PIECE) continue
      await target.write(text)
      text = ''
      if (signal.aborted || output.failure !== undefined) return
    }
  } finally {
    if (text !== '') await target.write(text)
    await target.end()
  }
}

/** A file for its owner alone: it holds what people said. */
function file(path: string): { write: (text: string) => Promise<void>; end: () => Promise<void> } {
  const stream = createWriteStream(path, { mode: 0o600 })
  let failure: Error | undefined
  stream.on('error', (error) => {
    failure = error
  })
  const check = (): void => {
    if (failure)
      throw new BuslineError('FILE_FAILED', `${path} can't be written: ${failure.message}.`, {
        data: { path },
        cause: failure,
      })
  }
  return {
    async write(text) {
      check()
      if (!stream.write(text)) await Promise.race([once(stream, 'drain'), once(stream, 'close')])
      check()
    },
    async end() {
      stream.end()
      await finished(stream).catch(() => undefined)
      check()
    },
  }
}
