import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const NEWLINE = 0x0a
const CHUNK = 64 * 1024

/** The bytes after a file's last newline, which are no line: those of a writer that was killed, or is just writing. */
export function tornBytes(path: string): number {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const bytes = Buffer.allocUnsafe(CHUNK)
    for (let end = size; end > 0; end -= CHUNK) {
      const start = Math.max(0, end - CHUNK)
      const read = readSync(file, bytes, 0, end - start, start)
      const newline = bytes.subarray(0, read).lastIndexOf(NEWLINE)
      if (newline !== -1) return size - (start + newline + 1)
    }
    return size
  } finally {
    closeSync(file)
  }
}
