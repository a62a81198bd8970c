import { BuslineError } from '../messages/busline-error.ts'
import type { JournalFiles } from './journal-files.ts'
import { isSegment, stemOf } from './segment-names.ts'

/**
 * What a flushed line survives: `buffered` nothing more than an unflushed one (a killed process loses its last 25 ms),
 * `process` SIGKILL of this process, `disk` a power cut.
 */
export type Durability = 'buffered' | 'process' | 'disk'

/** When a file is full, and the journal goes on in a new one. At least one of both. */
export interface RotateOptions {
  /** Its size; the line that reaches it is its last. At least 1024. */
  bytes?: number
  /** Its age in milliseconds, since its header; the first line after that is its last. */
  ms?: number
}

/** Which full segments stay when another one is full; all that are named must allow it. */
export interface KeepOptions {
  /** How many, beside the file that is written. */
  segments?: number
  /** How many bytes they have together, blobs not counted. */
  bytes?: number
  /** How many milliseconds ago they were written last, at most. */
  ms?: number
}

export interface JsonlJournalOptions {
  /** Default `process`. */
  durability?: Durability
  /** The file system; default is that of Node. */
  files?: JournalFiles
  /**
   * Strings whose JSON has more bytes (default 8192, at least 1024) stand once beside the journal, and a reference in the
   * line. `false`: in the line.
   */
  blobs?: { over: number } | false
  /** For a process that lives long: the journal is a row of files (default: one). */
  rotate?: RotateOptions
  /** Deletes the oldest full segments at each rotation, and the blobs that only they refer to (default: none). */
  keep?: KeepOptions
  /** Epoch milliseconds, for the age of files (default `Date.now`). */
  now?: () => number
}

/** The smallest size: below it nearly every line would be a file, and a reference longer than what it stands for. */
const LEAST_BYTES = 1024

/** @throws BuslineError `INVALID_OPTION` that names the option */
export function checkJournalOptions(path: string, options: JsonlJournalOptions): void {
  const { durability = 'process', blobs, rotate, keep } = options
  if (isSegment(path))
    throw invalid('path', `be the journal itself, not one of its full segments: ${stemOf(path)}.jsonl`, path)
  if (!['buffered', 'process', 'disk'].includes(durability))
    throw invalid('durability', 'be buffered, process or disk', durability)
  if (blobs !== undefined && blobs !== false) checkNumber('blobs.over', blobs?.over ?? NaN, LEAST_BYTES)
  if (rotate) {
    checkSome('rotate', rotate, ['bytes', 'ms'])
    checkNumber('rotate.bytes', rotate.bytes ?? LEAST_BYTES, LEAST_BYTES)
    checkNumber('rotate.ms', rotate.ms ?? 1, 1)
  }
  if (!keep) return
  if (!rotate) throw invalid('keep', 'come with rotate: without it there is one file, which is never deleted')
  checkSome('keep', keep, ['segments', 'bytes', 'ms'])
  checkNumber('keep.segments', keep.segments ?? 0, 0)
  checkNumber('keep.bytes', keep.bytes ?? 0, 0)
  checkNumber('keep.ms', keep.ms ?? 0, 0)
}

function checkNumber(option: string, value: number, least: number): void {
  if (typeof value === 'number' && value >= least) return
  throw invalid(option, `be a number of at least ${least}`, value)
}

function checkSome(option: string, value: object, members: readonly string[]): void {
  const names = Object.keys(value)
  if (names.length > 0 && names.every((name) => members.includes(name))) return
  throw invalid(option, `have one or more of ${members.join(', ')}, and nothing else`)
}

function invalid(option: string, must: string, is?: string | number): BuslineError {
  const shown = is === undefined ? '' : `, not ${typeof is === 'string' ? JSON.stringify(is) : is}`
  return new BuslineError('INVALID_OPTION', `jsonlJournal: ${option} must ${must}${shown}.`, {
    data: { option },
  })
}
