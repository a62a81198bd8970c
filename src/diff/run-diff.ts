import type { Figures } from './run-figures.ts'
import type { ValueChange } from './value-changes.ts'

/** What is compared: what came in, what came out, what was told, what the bus noted; or calls of models or tools alone. */
export const DIFF_PARTS = ['inputs', 'outputs', 'events', 'notes', 'models', 'tools'] as const
export type DiffPart = (typeof DIFF_PARTS)[number]

/** One message of two runs, or of one of them. */
export interface DiffPair {
  readonly state: 'same' | 'changed' | 'onlyInA' | 'onlyInB'
  /** Its line in each run, from 1: of its first record, or of the one that differs; null where it is not. */
  readonly a: number | null
  readonly b: number | null
  readonly kind: string
  readonly type: string
  /** Of a tool call, the tool. */
  readonly name: string | null
  /** Which turn it belongs to, from 1 as in `a`; turns that `b` alone has are numbered on. Null outside turns. */
  readonly turn: number | null
  /** Whether it comes in another order than the others; that alone is no change. */
  readonly reordered: boolean
  /** What differs; only of `changed`, and only for as many pairs as `keep` says. */
  readonly changes: readonly ValueChange[]
}

/** Where two runs part. `instead`: `b` has another message in the place of that of `a`. */
export interface FirstDivergence {
  readonly state: 'changed' | 'instead' | 'onlyInA' | 'onlyInB'
  readonly a: number | null
  readonly b: number | null
  /** Of the message in `a`, or else of that in `b`. */
  readonly kind: string
  readonly type: string
  readonly name: string | null
  readonly turn: number | null
  /** The first value that differs; empty for a whole record. */
  readonly path: string
  /** The values at `path`; the record's own where `path` is empty; undefined where there is none. */
  readonly valueA: unknown
  readonly valueB: unknown
}

/** What something took in both runs; null where a run has it not. `delta` is what `b` took more. */
export interface FiguresRow {
  readonly name: string
  readonly a: Figures | null
  readonly b: Figures | null
  readonly delta: Figures
}

/** One turn of two runs. */
export interface TurnDiff {
  /** From 1 as in `a`; turns that `b` alone has are numbered on. Null for what belongs to no turn. */
  readonly turn: number | null
  /** Lines on which it begins; null where a run has it not. */
  readonly a: number | null
  readonly b: number | null
  readonly same: number
  readonly changed: number
  readonly onlyInA: number
  readonly onlyInB: number
  readonly reordered: number
  readonly figures: FiguresRow
}

export interface DiffedRun {
  /** Of the header; null where there is none. */
  readonly run: string | null
  readonly busline: string | null
  readonly node: string | null
  readonly lines: number
}

/** Two runs compared. */
export interface RunDiff {
  /** Whether nothing was changed and nothing is in one run alone. Another order is no difference. */
  readonly same: boolean
  readonly a: DiffedRun
  readonly b: DiffedRun
  readonly first: FirstDivergence | null
  readonly counts: {
    readonly same: number
    readonly changed: number
    readonly onlyInA: number
    readonly onlyInB: number
    readonly reordered: number
  }
  /** Every message, in the order of `a`; what is in `b` alone stands by its line there. */
  readonly pairs: readonly DiffPair[]
  readonly turns: readonly TurnDiff[]
  readonly models: readonly FiguresRow[]
  readonly tools: readonly FiguresRow[]
  readonly total: FiguresRow
}
