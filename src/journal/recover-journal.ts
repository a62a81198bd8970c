import { existsSync } from 'node:fs'
import { lockFile } from '../files/lock-file.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { inUse } from './journal-errors.ts'
import { journalHolder } from './journal-holder.ts'
import { opened } from './open-segments.ts'
import type { DamagedPart, FilePlan, SetAside } from './found-records.ts'
import { planRecovery } from './plan-recovery.ts'
import { RecoveryDraft } from './recovery-draft.ts'
import { gapsOf } from './recovery-gaps.ts'
import { isSegment, stemOf } from './segment-names.ts'
import { segmentsOf } from './segments.ts'

export type { DamagedPart, SetAside } from './found-records.ts'

export interface RecoverJournalOptions {
  /** Tells what would be done, and changes nothing. Default false. */
  dryRun?: boolean
  /**
   * Writes the recovered journal here, where nothing is yet, its big values beside it, and leaves the original where it is.
   * For a journal of one file.
   */
  output?: string
  /** The clock of the note that tells of it: epoch milliseconds. */
  now?: () => number
}

/** What became of one file. */
export interface RecoveredFile {
  readonly path: string
  /** Whether there was something to recover. */
  readonly changed: boolean
  /** Records that are kept. */
  readonly records: number
  /** Bytes that were cut after the last newline. */
  readonly cutBytes: number
  /** What was no record, the first thousand, and how many there were. */
  readonly damaged: readonly DamagedPart[]
  readonly damagedCount: number
  /** Whole records that are not kept, the first thousand places, and how many records they are. */
  readonly setAside: readonly SetAside[]
  readonly setAsideCount: number
  /** Lines that are lost, by their `seq`: `bus.lost` notes stand in their place. */
  readonly lost: number
  /** Big values that are not beside it any more: references to them have a field `lost: true` now, and are plain values. */
  readonly lostValues: number
  /** Where the file is kept as it was; null where it was left alone. */
  readonly original: string | null
}

export interface Recovery {
  readonly changed: boolean
  /** One for each segment, in order. */
  readonly files: readonly RecoveredFile[]
}

/**
 * Makes a damaged journal readable again. Every record that is whole stays as it is, byte for byte: what a killed writer or
 * a power cut left after the last newline is cut, and so is what is no record in the middle; lines that are lost are
 * declared by `bus.lost` notes, which readers accept, and a note `bus.recovered` says what was done. Commands that were
 * interrupted stay so. A line whose big value is not beside the journal keeps what its reference tells of it; without any folder of
 * values all references stay, for that was left behind. Where records of several runs stand in one file, the first run that has a header is kept.
 *
 * Nothing is thrown away: what is set aside is told, and the file as it was is kept as `<path>.damaged-1`, or the next number that is free. Of a rotated
 * journal all segments are recovered: as many records of all together as follow each other. A run that has lost its header
 * gets another (`data.recovered`), without which a file is no journal. What is recovered needs no recovery again.
 *
 * @throws BuslineError `INVALID_OPTION` for an output that is there; `JOURNAL_DAMAGED` when it holds no record; `JOURNAL_IN_USE` when a live process writes it, `FILE_FAILED` when it can't be read,
 * `JOURNAL_FAILED` when it can't be written
 */
export async function recoverJournal(path: string, options: RecoverJournalOptions = {}): Promise<Recovery> {
  const { dryRun = false, output } = options
  const held = isSegment(path) ? `${stemOf(path)}.jsonl` : path
  if (dryRun || output !== undefined) {
    const pid = journalHolder(held)
    if (pid !== undefined) throw inUse(path, pid)
    return recover(path, options)
  }
  const segments = segmentsOf(path)
  // Whether it can be read is told as that, before a lock is made beside it.
  for (const segment of segments) await (await opened(segment)).close()
  const lock = lockFile(`${held}.lock`)
  if ('heldBy' in lock) throw inUse(path, lock.heldBy)
  try {
    return await recover(path, options)
  } finally {
    lock.release()
  }
}

async function recover(path: string, options: RecoverJournalOptions): Promise<Recovery> {
  const { output } = options
  const segments = segmentsOf(path)
  if (output !== undefined && segments.length > 1)
    throw new BuslineError(
      'INVALID_OPTION',
      `The journal ${path} has ${segments.length} segments; output takes one file. Recover each segment by its own path.`,
      { data: { option: 'output' } },
    )
  if (output !== undefined && existsSync(output))
    throw new BuslineError('INVALID_OPTION', `There is a file ${output}; choose another output.`, {
      data: { option: 'output' },
    })
  const plans = await planRecovery(segments)
  if (plans.every(({ stretches }) => stretches.length === 0))
    throw new BuslineError(
      'JOURNAL_DAMAGED',
      `${path} is no journal: it holds no record. It stays as it is.`,
      {
        data: { path },
      },
    )
  const gaps = gapsOf(plans, isSegment(path) ? undefined : 0)
  const files: RecoveredFile[] = []
  for (const [index, plan] of plans.entries()) {
    const isLast = index === plans.length - 1 && !isSegment(path)
    const draft = new RecoveryDraft(plan, gaps[index] ?? [], isLast)
    files.push(toldOf(plan, draft, await carriedOut(draft, options)))
  }
  return { changed: files.some(({ changed }) => changed), files }
}

/** Where the file is kept as it was; null when it was left alone. */
async function carriedOut(draft: RecoveryDraft, options: RecoverJournalOptions): Promise<string | null> {
  const { dryRun = false, output, now = Date.now } = options
  if (dryRun) return null
  if (output === undefined) return draft.changed ? draft.replace(now) : null
  await draft.writeTo(output, now)
  return null
}

function toldOf(plan: FilePlan, draft: RecoveryDraft, original: string | null): RecoveredFile {
  const { path, stretches, cutBytes, damaged, damagedCount, setAside, setAsideCount, lostValues } = plan
  const { changed, lost } = draft
  const records = stretches.reduce((sum, { count }) => sum + count, 0)
  return {
    path,
    changed,
    records,
    cutBytes,
    damaged,
    damagedCount,
    setAside,
    setAsideCount,
    lost,
    lostValues,
    original,
  }
}
