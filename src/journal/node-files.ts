import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { lockFile, type FileLock } from '../files/lock-file.ts'
import { makeFolder } from '../files/make-folder.ts'
import type { JournalFile, JournalFiles } from './journal-files.ts'
import { missingFolders, syncFolders } from './sync-folders.ts'

const datasync = promisify(fdatasync)

/** The real file system: files 0600, folders 0700, held by a lock file `<path>.lock` beside them. */
export const nodeFiles: JournalFiles = {
  open(path) {
    const changed = [...missingFolders(dirname(path)).map((folder) => dirname(folder)), dirname(path)]
    makeFolder(dirname(path))
    const lock = lockFile(`${path}.lock`)
    if ('heldBy' in lock) return lock
    try {
      return new NodeFile(openSync(path, 'a+', 0o600), lock, changed)
    } catch (error) {
      lock.release()
      throw error
    }
  },
}

class NodeFile implements JournalFile {
  #file: number
  #lock: FileLock
  /** Folders with an entry that may be new, until the first sync made them durable too. */
  #folders: readonly string[]

  constructor(file: number, lock: FileLock, folders: readonly string[]) {
    this.#file = file
    this.#lock = lock
    this.#folders = folders
  }

  size(): number {
    return fstatSync(this.#file).size
  }

  read(position: number, length: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(length)
    let read = 0
    while (read < length) {
      const more = readSync(this.#file, bytes, read, length - read, position + read)
      if (more === 0) break
      read += more
    }
    return bytes.subarray(0, read)
  }

  append(bytes: Uint8Array): number {
    return writeSync(this.#file, bytes)
  }

  truncate(size: number): void {
    ftruncateSync(this.#file, size)
  }

  async datasync(): Promise<void> {
    await datasync(this.#file)
    if (this.#folders.length === 0) return
    await syncFolders(this.#folders)
    this.#folders = []
  }

  close(): void {
    try {
      closeSync(this.#file)
    } finally {
      this.#lock.release()
    }
  }
}
