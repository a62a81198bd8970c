import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { visibleLine } from 'busline'
import { fieldOf, stringIn } from './excerpt.ts'

/** A run as it lies in a folder: a journal and its rotated segments. */
export interface RunFile {
  /** The name of the file without `.jsonl`. */
  readonly name: string
  /** Where it is written, or was: its full segments (`NAME.00001.jsonl`) stand beside it. */
  readonly path: string
  /** The files that there are of it, the oldest first. */
  readonly segments: readonly string[]
  /** Bytes of all segments. */
  readonly bytes: number
  /** When it was last written, epoch milliseconds. */
  readonly writtenAt: number
}

const JOURNAL = /^(.+?)(?:\.(\d{5}|[1-9]\d{5,6}))?\.jsonl$/
const HEAD_BYTES = 4096

/** The runs of a folder, last written first; none where there is no folder. */
export function runFiles(dir: string): RunFile[] {
  const runs = new Map<string, { path: string; bytes: number; writtenAt: number }[]>()
  for (const file of namesIn(dir)) {
    const name = JOURNAL.exec(file)?.[1]
    const path = join(dir, file)
    const stat = name === undefined ? undefined : statSync(path, { throwIfNoEntry: false })
    if (name === undefined || !stat?.isFile()) continue
    const segments = runs.get(name) ?? []
    segments.push({ path, bytes: stat.size, writtenAt: stat.mtimeMs })
    runs.set(name, segments)
  }
  return [...runs]
    .map(([name, segments]): RunFile => {
      const inOrder = segments.toSorted((a, b) => segmentNumber(a.path) - segmentNumber(b.path))
      return {
        name,
        path: join(dir, `${name}.jsonl`),
        segments: inOrder.map(({ path }) => path),
        bytes: inOrder.reduce((sum, { bytes }) => sum + bytes, 0),
        writtenAt: Math.max(...inOrder.map(({ writtenAt }) => writtenAt)),
      }
    })
    .toSorted((a, b) => b.writtenAt - a.writtenAt || (a.name < b.name ? 1 : -1))
}

/** Why there is no run in a folder, and what to do. */
export function noJournals(dir: string): string {
  const shown = visibleLine(dir, 200)
  const why = isFolder(dir) ? `${shown} holds no journal` : `there is no folder ${shown}`
  return `${why}. --log-dir names another folder.`
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** The files of the run at a path, the oldest first: its full segments, then the file itself where it is there. */
export function segmentsOf(path: string): string[] {
  const dir = dirname(path)
  const name = JOURNAL.exec(basename(path))?.[1]
  const files = namesIn(dir).filter((file) => JOURNAL.exec(file)?.[1] === name && isNumbered(file))
  const full = files.map((file) => join(dir, file)).toSorted((a, b) => segmentNumber(a) - segmentNumber(b))
  if (name === undefined || full.length === 0 || isNumbered(path)) return [path]
  return existsSync(path) ? [...full, path] : full
}

/** The id of a run in its journal's header; undefined where the first line is none. */
export function runIdOf({ segments: [first] }: Pick<RunFile, 'segments'>): string | undefined {
  return stringIn(fieldOf(first === undefined ? undefined : firstRecord(first), 'data'), 'run')
}

/** The first line of a file as JSON; undefined where it is none, or longer than any header. */
export function firstRecord(path: string): unknown {
  try {
    return JSON.parse(firstLine(path))
  } catch {
    return undefined
  }
}

function firstLine(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(HEAD_BYTES)
    const head = bytes.toString('utf8', 0, readSync(file, bytes, 0, HEAD_BYTES, 0))
    return head.slice(0, Math.max(0, head.indexOf('\n')))
  } finally {
    closeSync(file)
  }
}

function isNumbered(path: string): boolean {
  return JOURNAL.exec(basename(path))?.[2] !== undefined
}

/** What has no number is written last. */
function segmentNumber(path: string): number {
  return Number(JOURNAL.exec(basename(path))?.[2] ?? Infinity)
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}
