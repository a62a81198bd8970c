import { statSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { BuslineError, visibleLine } from 'busline'
import type { Terminal } from './command.ts'

const PIECE = 64 * 1024

/**
 * Writes pieces to a file, or to stdout for `-`, in larger pieces and no faster than they are taken. Ends early when the
 * program is to stop or nobody reads any more. What was written stays when the pieces end in an error; a file is there from
 * the first piece on. One that is there already is not written over, whatever it is.
 *
 * @throws BuslineError `FILE_FAILED`
 */
export async function writePieces(
  pieces: AsyncIterable<string> | Iterable<string>,
  out: string,
  { output, signal }: Pick<Terminal, 'output' | 'signal'>,
): Promise<void> {
  if (out !== '-' && kindOf(out) === 'file') throw taken(out)
  let target: Target | undefined
  const write = async (text: string): Promise<void> => {
    target ??= out === '-' ? { write: (piece) => output.print(piece), end: async () => {} } : await file(out)
    await target.write(text)
  }
  let text = ''
  try {
    for await (const piece of pieces) {
      text += piece
      if (text.length < PIECE) continue
      await write(text)
      text = ''
      if (signal.aborted || output.failure !== undefined) return
    }
    await write(text)
    text = ''
  } finally {
    if (text !== '') await write(text)
    await target?.end()
  }
}

interface Target {
  readonly write: (text: string) => Promise<void>
  readonly end: () => Promise<void>
}

/** What stands at a path; a pipe or a device is there to be written to. */
function kindOf(path: string): 'file' | 'other' | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat && (stat.isFile() ? 'file' : 'other')
}

function taken(path: string, cause?: unknown): BuslineError {
  const why =
    'there is one already, which is not written over. Name another with --out, or delete that one first'
  return cannotWrite(path, why, cause)
}

function cannotWrite(path: string, why: string, cause?: unknown): BuslineError {
  return new BuslineError('FILE_FAILED', `The file ${visibleLine(path)} can't be written: ${why}.`, {
    data: { path },
    cause,
  })
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, kindOf(path) === 'other' ? 'w' : 'wx', 0o600)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw 'code' in error && error.code === 'EEXIST'
      ? taken(path, error)
      : cannotWrite(path, error.message, error)
  }
}

/** A file for its owner alone: it holds what people said. */
async function file(path: string): Promise<Target> {
  const stream = (await opened(path)).createWriteStream()
  let failure: Error | undefined
  stream.on('error', (error) => {
    failure = error
  })
  const check = (): void => {
    if (failure) throw cannotWrite(path, failure.message, failure)
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
