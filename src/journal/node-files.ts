// Longer than 200 lines: one object, the real file system, that a journal sees as one seam.
import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { hasCode } from '../files/file-errors.ts'
import { lockFile, type FileLock } from '../files/lock-file.ts'
import { makeFolder } from '../files/make-folder.ts'
import type { JournalFile, JournalFiles } from './journal-files.ts'
import { missingFolders, syncFolders } from './sync-folders.ts'

const datasync = promisify(fdatasync)

/** What is being saved, before it has its name. One writer a folder, so one name is enough. */
const DRAFT = 'draft.tmp'

/** The real file system: files 0600, folders 0700, held by a lock file `<path>.lock` beside them. */
export const nodeFiles: JournalFiles = {
  open(path) {
    const changed = [...missingFolders(dirname(path)).map((folder) => dirname(folder)), dirname(path)]
    makeFolder(dirname(path))
    const lock = lockFile(`${path}.lock`)
    if ('heldBy' in lock) return lock
    try {
      return new NodeFile({ path, file: openToAppend(path), lock, folders: changed })
    } catch (error) {
      lock.release()
      throw error
    }
  },
  list: (folder) => unlessMissing(() => readdirSync(folder)) ?? [],
  stat: (path) =>
    unlessMissing(() => {
      const { size, mtimeMs } = statSync(path)
      return { bytes: size, changed: mtimeMs }
    }),
  load: (path) => unlessMissing(() => readFileSync(path)),
  save(path, bytes, { synced } = { synced: false }) {
    makeFolder(dirname(path))
    const draft = join(dirname(path), DRAFT)
    try {
      writeFileSync(draft, bytes, { mode: 0o600 })
      if (synced) syncNow(draft)
      renameSync(draft, path)
    } catch (error) {
      rmSync(draft, { force: true })
      throw error
    }
  },
  async sync(paths) {
    for (const path of paths) {
      const file = await openUnlessMissing(path)
      try {
        await file?.datasync()
      } finally {
        await file?.close()
      }
    }
    const folders = new Set(paths.map((path) => dirname(path)))
    await syncFolders([...folders, ...[...folders].map((folder) => dirname(folder))])
  },
  remove: (path) => rmSync(path, { force: true }),
}

class NodeFile implements JournalFile {
  #path: string
  #file: number
  #lock: FileLock
  /** Folders with an entry that may be new, until the first sync made them durable too. */
  #folders: readonly string[]

  constructor(parts: { path: string; file: number; lock: FileLock; folders: readonly string[] }) {
    this.#path = parts.path
    this.#file = parts.file
    this.#lock = parts.lock
    this.#folders = parts.folders
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

  datasyncNow(): void {
    fdatasyncSync(this.#file)
  }

  rotate(to: string): void {
    // Missing when the last try could neither make the new file nor take the name back.
    if (existsSync(this.#path)) {
      if (!this.#hasItsName()) throw new Error('another file has taken its name')
      renameSync(this.#path, to)
    }
    let next: number
    try {
      next = openToAppend(this.#path)
    } catch (error) {
      takeBack(to, this.#path)
      throw error
    }
    const old = this.#file
    this.#file = next
    this.#folders = [dirname(this.#path)]
    closeFull(old)
  }

  /** Somebody may have moved it away, as logrotate does, and made another. */
  #hasItsName(): boolean {
    const [mine, there] = [
      fstatSync(this.#file, { bigint: true }),
      statSync(this.#path, { bigint: true, throwIfNoEntry: false }),
    ]
    return there?.ino === mine.ino && there.dev === mine.dev
  }

  close(): void {
    try {
      closeSync(this.#file)
    } finally {
      this.#lock.release()
    }
  }
}

function openToAppend(path: string): number {
  return openSync(path, 'a+', 0o600)
}

/** The new file is there: what went wrong with the old one is no reason to go on in it. Class `disk` has synced it by now. */
function closeFull(file: number): void {
  try {
    closeSync(file)
  } catch {
    // Of the other classes nobody was promised more than that the system took it.
  }
}

/** As well as it goes: without it the lines go on under the other name, and readers find them there. */
function takeBack(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch {
    // The failure that is told is the one before.
  }
}

function syncNow(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fdatasyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** What was deleted since has nothing to sync. */
async function openUnlessMissing(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined
    throw error
  }
}
