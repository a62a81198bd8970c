// Longer than 200 lines: what is looked at line by line stands in one class, because it shares how far the reading has come.
import type { JournalRecord } from '../bus/journal.ts'
import { beginsLaterSegment } from '../bus/later-segment.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { Causality } from './causality.ts'
import { Findings, type Verification } from './findings.ts'
import type { JournalSource } from './journal-source.ts'
import type { LineBlock } from './line-block.ts'
import { eachRecord } from './lines-of-block.ts'
import { declaresLost } from './lost-lines.ts'
import { resolveBlobs } from './resolve-blobs.ts'
import { blocksOfRun } from './run-blocks.ts'
import { isSegment } from './segment-names.ts'

export type { Finding, FindingKind, Severity, Verification } from './findings.ts'

export interface VerifyJournalOptions {
  /** Ends the looking; a million lines take some seconds. */
  signal?: AbortSignal
}

/**
 * Looks whether a journal keeps the rules of its format, all segments of a rotated one: a header of a known version, JSON,
 * `seq` without gaps, ids that are unique, one result for a command, of its type and after it, causes and roots that are
 * known, big values that are there with the right hash. What it finds is told, never thrown.
 *
 * Memory grows with the number of messages that cause others, some 100 bytes for each, and of those whose id is not that of
 * their cause, or of their bus, and an ordinal: ids have to be known to the end.
 *
 * @throws BuslineError `FILE_FAILED` when the source can't be read; the signal's reason when it aborts
 */
export async function verifyJournal(
  source: JournalSource,
  { signal }: VerifyJournalOptions = {},
): Promise<Verification> {
  const findings = new Findings()
  const rules = new LineRules(findings, typeof source === 'string' && !isSegment(source))
  for await (const block of blocksOfRun(source, {
    blobs: 'resolve',
    onTornTail: ({ bytes }) => rules.torn(bytes),
    onDamage: (_line, error) => rules.damaged(error),
    onDeleted: () => rules.deleted(),
  })) {
    signal?.throwIfAborted()
    for (const one of eachRecord(block)) {
      if ('record' in one) rules.take(one.record, missingBlob(block, one))
      else rules.damaged(one.fault)
    }
  }
  return rules.end()
}

/** Why a big value of a record can't be had; undefined when all can, or are nobody's. */
function missingBlob(
  block: LineBlock,
  { number, record }: { number: number; record: JournalRecord },
): BuslineError | undefined {
  if (!block.mayHoldBlobs) return undefined
  try {
    resolveBlobs(record, block.origin.path, number)
    return undefined
  } catch (error) {
    if (error instanceof BuslineError && error.code === 'BLOB_MISSING') return error
    throw error
  }
}

/** What is looked at line by line. */
class LineRules {
  readonly #findings: Findings
  readonly #causality: Causality
  #expected: number | undefined
  #lines = 0
  /** Lines that are not there, but have their numbers: deleted, or lost as a note says. */
  #absent = 0
  #isOvertaken = false
  #records = 0
  #run: string | null = null
  #time = -Infinity

  constructor(findings: Findings, isWhole: boolean) {
    this.#findings = findings
    this.#causality = new Causality(findings)
    this.#expected = isWhole ? 0 : undefined
  }

  take(record: JournalRecord, missing: BuslineError | undefined): void {
    this.#lines++
    this.#records++
    this.#absent += this.#absentBefore(record)
    const line = this.#line
    if (missing) this.#findings.fault(line, 'blob', missing.message)
    this.#order(line, record)
    this.#header(line, record)
    this.#version(line, record)
    this.#times(line, record)
    this.#causality.take(line, record)
  }

  torn(bytes: number): void {
    this.#findings.torn(this.#line + 1, bytes)
  }

  /** Segments were deleted while the run was read; the next one is taken as it comes. */
  deleted(): void {
    this.#isOvertaken = true
  }

  damaged(fault: unknown): void {
    this.#lines++
    this.#findings.add({
      line: this.#line,
      kind: 'not-a-record',
      severity: 'damage',
      message: whyDamaged(fault),
    })
    // How many lines it was is not known: the next one is taken as it comes.
    this.#expected = undefined
    this.#causality.isPart()
  }

  end(): Verification {
    this.#causality.end()
    if (this.#records === 0) this.#findings.noJournal(this.#lines)
    return this.#findings.result({
      lines: this.#lines,
      run: this.#run,
      unfinished: this.#causality.unfinished,
    })
  }

  /** The number of the line that came last: `seq` + 1 where the rules are kept, and else counted on. */
  get #line(): number {
    return this.#lines + this.#absent
  }

  #absentBefore(record: JournalRecord): number {
    const { seq } = record
    const expected = this.#expected ?? (this.#records === 1 ? this.#lines - 1 : undefined)
    if (expected === undefined || seq <= expected) return 0
    const isPart = this.#expected === undefined || this.#isPruned(expected, record)
    return isPart || declaresLost(record, expected) ? seq - expected : 0
  }

  #order(line: number, record: JournalRecord): void {
    const { seq } = record
    const expected = this.#expected
    this.#expected = seq + 1
    // Bytes may be a part of a run, and so is a segment that is read alone.
    if (this.#lines === 1 && seq > 0) this.#causality.isPart()
    // First: the note may stand in the place of the one line that was lost.
    if (expected !== undefined && declaresLost(record, expected)) {
      this.#findings.note(line, 'lost', `Lines with seq ${expected} to ${seq} were lost, as the note says.`)
    } else if (expected === undefined || seq === expected) {
      return
    } else if (this.#isPruned(expected, record)) {
      const what = expected === 0 ? 'The run begins' : 'It goes on'
      this.#findings.note(line, 'pruned', `${what} with seq ${seq}: earlier segments were deleted.`)
    } else {
      const message = `seq is ${seq} where ${expected} should follow.`
      this.#findings.add({ line, kind: 'seq', severity: 'damage', message })
    }
    this.#causality.isPart()
    this.#isOvertaken = false
  }

  #isPruned(expected: number, record: JournalRecord): boolean {
    return (expected === 0 || this.#isOvertaken) && beginsLaterSegment(record)
  }

  #header(line: number, { seq, kind, type, v, data }: JournalRecord): void {
    if (kind !== 'header') {
      if (seq === 0)
        this.#findings.fault(line, 'header', `The first line is no header but a ${kind} of ${type}.`)
      return
    }
    if (type !== 'busline.journal')
      this.#findings.fault(line, 'header', `The header is of type ${type}, not busline.journal.`)
    if (v !== 1) this.#findings.fault(line, 'version', `The format has version ${v ?? 'none'}; known is 1.`)
    if (seq > 0 && !beginsLaterSegment({ seq, kind, type, time: 0, data }))
      this.#findings.fault(line, 'header', 'A header stands in the middle of a segment.')
    if (typeof data === 'object' && data !== null && 'run' in data && typeof data.run === 'string')
      this.#run ??= data.run
  }

  #version(line: number, { type, version = 1 }: JournalRecord): void {
    if (!Number.isSafeInteger(version) || version < 1)
      this.#findings.fault(line, 'version', `The version ${version} of ${type} is no whole number from 1 on.`)
  }

  #times(line: number, { time, ms }: JournalRecord): void {
    if (time < 0 || !Number.isFinite(time)) this.#findings.fault(line, 'time', `The time ${time} is none.`)
    if (ms !== undefined && ms < 0) this.#findings.fault(line, 'time', `The duration ${ms} is negative.`)
    if (time < this.#time)
      this.#findings.note(line, 'clock', `The clock went back by ${(this.#time - time).toFixed(3)} ms.`)
    this.#time = time
  }
}

/** What is wrong with a line; which one, a finding tells by itself. */
function whyDamaged(error: unknown): string {
  if (!(error instanceof BuslineError)) return error instanceof Error ? error.message : String(error)
  const why = error.data?.['why']
  return typeof why === 'string' ? `${why.charAt(0).toUpperCase()}${why.slice(1)}.` : error.message
}
