import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { blobFolderOf } from './blob-reference.ts'
import { headerOf } from './header-of.ts'
import { stemOf } from './segment-names.ts'
import { askedOnDisk } from './segment-owner.ts'
import { segmentsOf } from './segments.ts'

/** A run in a folder. */
export interface JournalInFolder {
  /** The journal; its full segments stand beside it. */
  readonly path: string
  /** All files with its lines, in order. */
  readonly segments: readonly string[]
  /** The folder of its blobs; undefined when it has none. */
  readonly blobs: string | undefined
  /** What recoveries kept of its files as they were. */
  readonly originals: readonly string[]
  /** Bytes of all, blobs and originals included. */
  readonly bytes: number
  /** When it was last written, epoch milliseconds. */
  readonly changed: number
}

/**
 * The runs whose journals are in a folder, the last written first. A file without a journal's header is no journal, and what
 * a symbolic link names is not of this folder. A journal without `.jsonl` at its end is known by its full segments. Where
 * both stand there, `run` and `run.jsonl`, neither is told: their segments and blobs have the same names.
 */
export function journalsIn(folder: string): JournalInFolder[] {
  const names = readdirSync(folder)
  const journals = names.filter((name) => name.endsWith('.jsonl'))
  const stems = new Set(journals.map((name) => basename(stemOf(name))))
  return [...stems]
    .flatMap((stem) => pathOf(folder, stem) ?? [])
    .flatMap((path) => journalAt(path, names) ?? [])
    .toSorted((a, b) => b.changed - a.changed || (a.path < b.path ? 1 : -1))
}

/**
 * What is there of a run; undefined when it is no journal.
 *
 * @param names of the files in its folder
 */
export function journalAt(
  path: string,
  names: readonly string[] = readdirSync(dirname(path)),
): JournalInFolder | undefined {
  const segments = segmentsOf(path)
  const stats = segments.flatMap((segment) => lstatSync(segment, { throwIfNoEntry: false }) ?? [])
  if (stats.length < segments.length || !stats.every((stat) => stat.isFile())) return undefined
  if (!segments.some(isJournal)) return undefined
  const folder = dirname(path)
  const originals = originalsOf(segments, names)
  const blobFolder = blobFolderOf(path)
  const blobs = lstatSync(blobFolder, { throwIfNoEntry: false })?.isDirectory() ? blobFolder : undefined
  return {
    path,
    segments,
    blobs,
    originals: originals.map((name) => join(folder, name)),
    bytes:
      stats.reduce((sum, { size }) => sum + size, 0) +
      bytesIn(folder, originals) +
      (blobs === undefined ? 0 : bytesIn(blobs, readdirSync(blobs))),
    changed: Math.max(...stats.map(({ mtimeMs }) => mtimeMs)),
  }
}

/** The file that is written, or was; undefined where nobody can tell what is whose. */
function pathOf(folder: string, stem: string): string | undefined {
  const bare = join(folder, stem)
  const stat = lstatSync(bare, { throwIfNoEntry: false })
  // Empty for as long as its header can't be written.
  if (!stat?.isFile() || (stat.size > 0 && !isJournal(bare))) return `${bare}.jsonl`
  return existsSync(`${bare}.jsonl`) ? undefined : bare
}

function originalsOf(segments: readonly string[], names: readonly string[]): string[] {
  const files = new Set(segments.map((segment) => basename(segment)))
  return names.filter((name) => files.has(/^(.+)\.damaged-\d+$/.exec(name)?.[1] ?? ''))
}

/** Bytes of some files of a folder; one that has gone meanwhile has none. */
export function bytesIn(folder: string, names: readonly string[]): number {
  return names.reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}

function isJournal(path: string): boolean {
  return askedOnDisk(path, (file) => headerOf(file) !== undefined) === true
}
