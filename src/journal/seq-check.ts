import { beginsLaterSegment } from '../bus/later-segment.ts'
import { damaged } from './journal-source.ts'
import { declaresLost } from './lost-lines.ts'
import type { ScannedLine } from './scanned-line.ts'

/**
 * Holds lines to their order: each `seq` follows the one before, but for gaps that a `bus.lost` note declares. A run whose
 * first segments were deleted begins later, with the header of another one.
 */
export class SeqCheck {
  #expected: number | undefined

  /** @param expected what the first line must have: 0 for a whole run, undefined takes any */
  constructor(expected?: number) {
    this.#expected = expected
  }

  /** Throws `JOURNAL_DAMAGED` for a line that does not follow; `number` is its place in its file. */
  take(path: string, number: number, line: ScannedLine): void {
    const { seq } = line.envelope
    const expected = this.#expected
    if (expected !== undefined && seq !== expected && !mayFollow(line, expected))
      throw damaged(path, number, missing(seq, expected))
    this.#expected = seq + 1
  }
}

function mayFollow(line: ScannedLine, expected: number): boolean {
  const record = line.record()
  return declaresLost(record, expected) || (expected === 0 && beginsLaterSegment(record))
}

function missing(seq: number, expected: number): string {
  const what = `seq is ${seq} where ${expected} should follow`
  return expected === 0 ? `${what}; what came before is missing` : what
}
