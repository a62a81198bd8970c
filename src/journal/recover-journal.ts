import { lockFile } from '../files/lock-file.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { inUse } from './journal-errors.ts'
import { journalHolder } from './journal-holder.ts'
import { opened } from './open-segments.ts'
import { planRecovery, type DamagedPart, type FilePlan } from './plan-recovery.ts'
import { RecoveryDraft } from './recovery-draft.ts'
import { isSegment, stemOf } from './segment-names.ts'
import { segmentsOf } from './segments.ts'

export type { DamagedPart } from './plan-recovery.ts'

export interface RecoverJournalOptions {
  /** Tells what would be done, and changes nothing. Default false. */
  dryRun?: boolean
  /** Writes the recovered journal here, and leaves the original where it is. For a journal of one file. */
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
  /** What was no record in its place, the first thousand, and how many there were. */
  readonly damaged: readonly DamagedPart[]
  readonly damagedCount: number
  /** Lines that are lost, by their `seq`: `bus.lost` notes stand in their place. */
  readonly lost: number
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
 * interrupted stay so.
 *
 * Nothing is thrown away: the file as it was is kept as `<path>.damaged-1`, or the next number that is free. Of a rotated
 * journal all segments are recovered.
 *
 * @throws BuslineError `JOURNAL_IN_USE` when a live process writes it, `FILE_FAILED` when it can't be read,
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
  const plans: FilePlan[] = []
  for (const segment of segmentsOf(path)) plans.push(await planRecovery(segment))
  if (output !== undefined && plans.length > 1)
    throw new BuslineError(
      'INVALID_OPTION',
      `The journal ${path} has ${plans.length} segments; output takes one file. Recover each segment by its own path.`,
      { data: { option: 'output' } },
    )
  const files: RecoveredFile[] = []
  let expected = isSegment(path) ? undefined : 0
  for (const [index, plan] of plans.entries()) {
    const next = plans[index + 1]?.seqs[0]
    const isLast = index === plans.length - 1 && !isSegment(path)
    const draft = await RecoveryDraft.of(plan, { expected, next, isLast })
    files.push(toldOf(plan, draft, await carriedOut(draft, options)))
    const last = plan.seqs.at(-1)
    expected = next ?? (last === undefined ? expected : last + 1)
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
  const { path, seqs, cutBytes, damaged, damagedCount } = plan
  const { changed, lost } = draft
  return { path, changed, records: seqs.length, cutBytes, damaged, damagedCount, lost, original }
}
