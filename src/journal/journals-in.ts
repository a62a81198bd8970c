import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { blobFolderOf } from './blob-reference.ts'
import { headerOf } from './header-of.ts'
import { stemOf } from './segment-names.ts'
import { segmentsOf } from './segments.ts'

/** A run in a folder. */
export interface JournalInFolder {
  /** The journal; its full segments stand beside it. */
  readonly path: string
  /** All files with its lines, in order. */
  readonly segments: readonly string[]
  /** The folder of its blobs; undefined when it has none. */
  readonly blobs: string | undefined
  /** Bytes of all, blobs included. */
  readonly bytes: number
  /** When it was last written, epoch milliseconds. */
  readonly changed: number
}

/** The runs whose journals are in a folder, the last written first. A file without a journal's header is no journal. */
export function journalsIn(folder: string): JournalInFolder[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))
  const paths = new Set(names.map((name) => `${stemOf(join(folder, name))}.jsonl`))
  return [...paths]
    .flatMap((path) => describe(path) ?? [])
    .toSorted((a, b) => b.changed - a.changed || (a.path < b.path ? 1 : -1))
}

function describe(path: string): JournalInFolder | undefined {
  const segments = segmentsOf(path)
  if (!segments.every((segment) => statSync(segment, { throwIfNoEntry: false })?.isFile())) return undefined
  if (!segments.some(isJournal)) return undefined
  const stats = segments.map((segment) => statSync(segment))
  const folder = blobFolderOf(path)
  const blobs = existsSync(folder) ? folder : undefined
  return {
    path,
    segments,
    blobs,
    bytes:
      stats.reduce((sum, { size }) => sum + size, 0) +
      (blobs === undefined ? 0 : bytesIn(blobs, readdirSync(blobs))),
    changed: Math.max(...stats.map(({ mtimeMs }) => mtimeMs)),
  }
}

/** Bytes of some files of a folder; one that has gone meanwhile has none. */
export function bytesIn(folder: string, names: readonly string[]): number {
  return names.reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}

function isJournal(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const read = (position: number, length: number): Uint8Array => {
      const bytes = Buffer.alloc(length)
      return bytes.subarray(0, readSync(file, bytes, 0, length, position))
    }
    return headerOf({ read }) !== undefined
  } finally {
    closeSync(file)
  }
}
