import type { JournalRecord } from '../bus/journal.ts'

/** Why what a schedule sent is missing. */
export const NOT_SCHEDULED = 'Nobody has scheduled it.'

/** One place where a replay does not do what the journal tells. */
export interface Divergence {
  /** `changed`: the same message with other content; `extra`: only the replay has it; `missing`: only the journal has it. */
  readonly kind: 'changed' | 'extra' | 'missing'
  /** Line of the journal (from 1): of the record that differs, or before which the extra one came. */
  readonly line: number
  readonly type: string
  /** Where the values differ, from the record down (`data.messages[2]`, `output.reply`); empty for a whole record. */
  readonly path: string
  /**
   * The value at `path`, or the record; undefined where there is none. For a missing line `replayed` says why, where that is
   * known.
   */
  readonly recorded: unknown
  readonly replayed: unknown
  readonly recordedRecord: JournalRecord | undefined
  readonly replayedRecord: JournalRecord | undefined
}

/** The world, touched by a handler that a replay runs again. */
export interface GuardFinding {
  /** `Date.now`, `Math.random`, `fetch`, … */
  readonly what: string
  readonly kind: 'clock' | 'randomness' | 'network' | 'timer'
  /** The message whose handler or subscriber did it. */
  readonly type: string
  readonly id: string
  /** File and line of who called it, where the stack tells. */
  readonly at: string | undefined
}

/** What a replay came to. */
export interface ReplayReport {
  /** Whether the replay did what the journal tells, line by line. */
  readonly identical: boolean
  /** By line: the first alone in `strict`, all in `keep-going`. */
  readonly divergences: readonly Divergence[]
  readonly findings: readonly GuardFinding[]
  /** The journal that the replay wrote: equal to the recorded one but for `time` and `ms`. */
  readonly records: readonly JournalRecord[]
  /** How many lines the journal has, and how many of them the replay came to. */
  readonly lines: number
  readonly replayed: number
}
