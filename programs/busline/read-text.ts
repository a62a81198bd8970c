import { readFileSync } from 'node:fs'
import { BuslineError, visibleLine } from 'busline'

const WHY: Readonly<Record<string, string>> = { ENOENT: 'it does not exist', EISDIR: 'it is a folder' }

/** The text of a file that an option names. @throws BuslineError `FILE_FAILED` that begins with what the file is: `The price table` */
export function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const why = WHY[code] ?? (error instanceof Error ? error.message : String(error))
    throw new BuslineError('FILE_FAILED', `${what} ${visibleLine(path)} can't be read: ${why}.`, {
      data: { path },
      cause: error,
    })
  }
}
