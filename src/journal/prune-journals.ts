import { createReadStream, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode, whyOf } from '../files/file-errors.ts'
import { lockFile } from '../files/lock-file.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { hashesIn, REFERENCE_BYTES } from './hashes-in.ts'
import { journalHolder } from './journal-holder.ts'
import { bytesIn, journalAt, journalsIn, type JournalInFolder } from './journals-in.ts'
import { segmentsOf } from './segments.ts'

/** At least one of `olderThan`, `keep` and `maxBytes`. */
export interface PruneOptions {
  /** Runs go that were last written more than so many milliseconds ago. */
  olderThan?: number
  /** So many runs stay, the last written; alone, all others go. */
  keep?: number
  /** The runs written longest ago go until the others have no more bytes together, blobs included. */
  maxBytes?: number
  /** Deletes nothing, and tells what would go (default false). */
  dryRun?: boolean
  /** Epoch milliseconds (default `Date.now`). */
  now?: () => number
}

/** What went, or would go. */
export interface PruneReport {
  /** Runs, the last written first. */
  readonly runs: readonly {
    /** The journal. */
    readonly path: string
    /** With its full segments and blobs. */
    readonly bytes: number
    /** When it was last written, epoch milliseconds. */
    readonly changed: number
  }[]
  /** Blobs of runs that stay, to which no line refers. */
  readonly blobs: { readonly count: number; readonly bytes: number }
  /** Of runs and blobs together. */
  readonly bytes: number
  /** Runs that stay, also those in use. */
  readonly kept: number
  /** The journals of runs that should go, but that a live process holds, or has just written. */
  readonly inUse: readonly string[]
}

/**
 * Deletes whole runs from a folder, with their segments, blobs, and what recoveries kept of them, and blobs that nothing
 * refers to. Never a run that a live process holds, never one of the newest `keep`, and no file that is not a journal's: a
 * `.jsonl` without a journal's header stays, and so does a symbolic link and what it names. Memory stays bounded.
 *
 * @throws BuslineError `INVALID_OPTION` without any rule or for a rule that is no number; `FILE_FAILED` when the folder
 * can't be read or something can't be deleted
 */
export async function pruneJournals(folder: string, options: PruneOptions): Promise<PruneReport> {
  check(options)
  const { dryRun = false } = options
  try {
    const all = journalsIn(folder)
    const chosen = choose(all, options)
    const inUse: string[] = []
    const gone = chosen.filter((run) => {
      const isFree = dryRun ? journalHolder(run.path) === undefined : removed(run)
      if (!isFree) inUse.push(run.path)
      return isFree
    })
    const blobs = { count: 0, bytes: 0 }
    for (const run of all) {
      if (gone.includes(run) || inUse.includes(run.path) || run.blobs === undefined) continue
      const unused = await removeUnused(run, run.blobs, dryRun)
      blobs.count += unused.count
      blobs.bytes += unused.bytes
    }
    return {
      runs: gone.map(({ path, bytes, changed }) => ({ path, bytes, changed })),
      blobs,
      bytes: gone.reduce((sum, { bytes }) => sum + bytes, blobs.bytes),
      kept: all.length - gone.length,
      inUse,
    }
  } catch (error) {
    if (error instanceof BuslineError) throw error
    throw new BuslineError('FILE_FAILED', `The journals of ${folder} can't be pruned: ${whyOf(error)}.`, {
      data: { path: folder },
      cause: error,
    })
  }
}

/** @param runs the last written first */
function choose(runs: readonly JournalInFolder[], options: PruneOptions): JournalInFolder[] {
  const { olderThan, keep = 0, maxBytes, now = Date.now } = options
  const isByNumber = olderThan === undefined && maxBytes === undefined
  const time = now()
  let bytes = 0
  return runs.filter((run, place) => {
    bytes += run.bytes
    const isTooOld = olderThan !== undefined && time - run.changed > olderThan
    const isTooMuch = maxBytes !== undefined && bytes > maxBytes
    return place >= keep && (isByNumber || isTooOld || isTooMuch)
  })
}

/** Deletes a run while nobody else can open it. False when somebody has it open, or has written to it since it was chosen. */
function removed({ path, changed, bytes }: JournalInFolder): boolean {
  const lock = lockFile(`${path}.lock`)
  if ('heldBy' in lock) return false
  try {
    const run = journalAt(path)
    if (run?.changed !== changed || run.bytes !== bytes) return false
    remove(run)
    return true
  } finally {
    lock.release()
  }
}

/** Blobs first: what is left when the process is killed in between is still a run, and goes the next time. */
function remove({ segments, originals, blobs }: JournalInFolder): void {
  if (blobs !== undefined) {
    for (const name of readdirSync(blobs)) if (isBlob(name)) rmSync(join(blobs, name), { force: true })
    removeIfEmpty(blobs)
  }
  for (const file of [...originals, ...segments]) rmSync(file, { force: true })
}

async function removeUnused(
  run: JournalInFolder,
  folder: string,
  dryRun: boolean,
): Promise<{ count: number; bytes: number }> {
  const lock = dryRun ? heldOrNot(run.path) : lockFile(`${run.path}.lock`)
  // Whoever writes it may refer to a blob at any moment.
  if ('heldBy' in lock) return { count: 0, bytes: 0 }
  try {
    const unused = new Set(readdirSync(folder).filter(isBlob))
    // Again: it may have been written, and rotated, since.
    const files = [...segmentsOf(run.path), ...run.originals]
    for (const file of files) await strikeUsed(file, unused)
    const names = [...unused]
    const bytes = bytesIn(folder, names)
    if (!dryRun) for (const name of names) rmSync(join(folder, name), { force: true })
    return { count: names.length, bytes }
  } finally {
    lock.release()
  }
}

/** What `lockFile` tells, without making a file. */
function heldOrNot(path: string): ReturnType<typeof lockFile> {
  const heldBy = journalHolder(path)
  return heldBy === undefined ? { release: () => undefined } : { heldBy }
}

/** Takes out of the names what a file's lines refer to. */
async function strikeUsed(path: string, names: Set<string>): Promise<void> {
  let rest = Buffer.alloc(0)
  const chunks: AsyncIterable<Buffer> = createReadStream(path)
  for await (const chunk of chunks) {
    // A reference may be split between two chunks.
    const text = Buffer.concat([rest, chunk])
    for (const hash of hashesIn(text)) names.delete(`${hash}.json`)
    rest = text.subarray(Math.max(0, text.length - REFERENCE_BYTES))
  }
}

function isBlob(name: string): boolean {
  return /^sha256-[0-9a-f]{64}\.json$/.test(name) || name === 'draft.tmp'
}

/** What else somebody has put there is not ours. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error
  }
}

function check(options: PruneOptions): void {
  const rules = { olderThan: options.olderThan, keep: options.keep, maxBytes: options.maxBytes }
  for (const [option, value] of Object.entries(rules)) {
    if (value === undefined || (value >= 0 && (option !== 'keep' || Number.isInteger(value)))) continue
    const must = option === 'keep' ? 'a whole number' : 'a number'
    throw invalid(option, `pruneJournals: ${option} must be ${must} of at least 0, not ${value}.`)
  }
  if (Object.values(rules).every((value) => value === undefined))
    throw invalid('olderThan', 'pruneJournals needs a rule: olderThan, keep or maxBytes.')
}

function invalid(option: string, message: string): BuslineError {
  return new BuslineError('INVALID_OPTION', message, { data: { option } })
}
