import { basename, dirname } from 'node:path'
import type { JournalFile, JournalFiles } from '../journal/journal-files.ts'
import { Disk } from './disk.ts'
import { seededRandom } from './seeded-random.ts'

/** How likely what is, from 0 (never, the default) to 1 (always). */
export interface FileFaults {
  /** The system takes only a part of what is written. */
  shortWrite?: number
  /** A write fails with EIO, and nothing of it is taken. */
  writeError?: number
  /** A file can't be given another name, with EIO. */
  renameError?: number
  /** A new file can't be made, with EIO, although the old one has another name already. */
  createError?: number
  /** A file is not deleted, with EIO. */
  removeError?: number
  /** A sync fails with EIO; as on Linux, what it covered does not outlive a power cut unless it is written again. */
  syncError?: number
}

export interface SimulatedFilesOptions {
  /** Decides which faults come when (default `seededRandom(1)`). */
  random?: () => number
  /** Default: none. */
  faults?: FileFaults
  /** How many bytes fit on the disk; beyond, writes fail with ENOSPC (default: any number). */
  room?: number
}

/** A fault that a file met, for a test to look at. */
export interface InjectedFileFault {
  readonly fault: keyof FileFaults | 'noRoom'
  readonly path: string
}

/** Files in memory that fail as real ones do: for `jsonlJournal(path, { files })`. */
export interface SimulatedFiles extends JournalFiles {
  /** May be changed at any time. */
  faults: FileFaults
  /** May be changed at any time: somebody fills the disk, or makes room. */
  room: number
  readonly injected: readonly InjectedFileFault[]
  /** What a reader sees now; empty if there is no such file. */
  read(path: string): string
  /** What of it would surely outlive a power cut. */
  durable(path: string): string
  /**
   * The process is killed (`process`: all that the system took stays) or the power is cut (`power`: what was not synced
   * is lost, but for a part of it that may end in the middle of a line). Whoever held a file open holds it no longer: what
   * it still writes goes nowhere.
   */
  crash(kind?: 'process' | 'power'): void
}

/** Makes an empty file system for one {@link simulate}d world, or for a test of its own. */
export function simulatedFiles(options: SimulatedFilesOptions = {}): SimulatedFiles {
  const { random = seededRandom(1) } = options
  const disks = new Map<string, Disk>()
  const injected: InjectedFileFault[] = []

  const happens = (fault: keyof FileFaults, path: string): boolean => {
    const likely = files.faults[fault] ?? 0
    if (likely === 0 || random() >= likely) return false
    injected.push({ fault, path })
    return true
  }
  /** How many bytes of a write the system takes. */
  const takenOf = (path: string, length: number): number => {
    if (happens('writeError', path)) throw systemError('EIO')
    const used = [...disks.values()].reduce((sum, { size }) => sum + size, 0)
    const free = Math.max(0, files.room - used)
    if (free < length) injected.push({ fault: 'noRoom', path })
    if (free === 0) throw systemError('ENOSPC')
    const part = happens('shortWrite', path) ? Math.max(1, Math.floor(random() * length)) : length
    return Math.min(free, part)
  }
  const fail = (fault: keyof FileFaults, path: string): void => {
    if (happens(fault, path)) throw systemError('EIO')
  }
  const sync = async (path: string, disk: Disk, isLost: () => boolean): Promise<void> => {
    const range = disk.beginSync()
    await new Promise((resolve) => setImmediate(resolve))
    if (!isLost()) endSync(path, disk, range)
  }
  const endSync = (path: string, disk: Disk, range: ReturnType<Disk['beginSync']>): void => {
    if (!happens('syncError', path)) return disk.endSync(range)
    disk.failSync(range)
    throw systemError('EIO')
  }
  const newDisk = (path: string): Disk => {
    const disk = new Disk()
    disks.set(path, disk)
    return disk
  }
  const open = (path: string): JournalFile | { heldBy: number } => {
    // A lock goes with the name, so a file that is renamed while it is held leaves the name held.
    let disk = disks.get(path) ?? newDisk(path)
    if (disk.held) return { heldBy: process.pid }
    let hold = disk.hold()
    return {
      size: () => disk.size,
      read: (position, length) => disk.bytes.subarray(position, position + length),
      append: (bytes) => (hold.lost ? bytes.length : disk.append(bytes, takenOf(path, bytes.length))),
      truncate: (size) => (hold.lost ? undefined : disk.truncate(size)),
      datasync: () => sync(path, disk, () => hold.lost),
      datasyncNow: () => (hold.lost ? undefined : endSync(path, disk, disk.beginSync())),
      rotate: (to) => {
        if (hold.lost) return
        if (disks.get(path) === disk) {
          fail('renameError', path)
          disks.set(to, disk)
          disks.delete(path)
        }
        fail('createError', path)
        hold.release()
        disk = newDisk(path)
        hold = disk.hold()
      },
      close: () => hold.release(),
    }
  }
  const save = (path: string, bytes: Uint8Array, { synced } = { synced: false }): void => {
    const disk = newDisk(`${path}.draft`)
    try {
      for (let taken = 0; taken < bytes.length;) {
        const rest = bytes.subarray(taken)
        taken += disk.append(rest, takenOf(path, rest.length))
      }
      if (synced) endSync(path, disk, disk.beginSync())
      disks.set(path, disk)
    } finally {
      disks.delete(`${path}.draft`)
    }
  }

  const files: SimulatedFiles = {
    faults: options.faults ?? {},
    room: options.room ?? Infinity,
    injected,
    open,
    list: (folder) =>
      [...disks.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path)),
    stat: (path) => {
      const disk = disks.get(path)
      return disk && { bytes: disk.size, changed: 0 }
    },
    load: (path) => disks.get(path)?.bytes,
    save,
    sync: async (paths) => {
      for (const path of paths) {
        const disk = disks.get(path)
        if (disk) await sync(path, disk, () => disks.get(path) !== disk)
      }
    },
    remove: (path) => {
      fail('removeError', path)
      disks.delete(path)
    },
    read: (path) => disks.get(path)?.bytes.toString() ?? '',
    durable: (path) => disks.get(path)?.durable.toString() ?? '',
    crash: (kind = 'process') => {
      for (const disk of disks.values()) disk.crash(kind === 'power' ? random() : undefined)
    },
  }
  return files
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code })
}
