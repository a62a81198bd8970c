import type { AlignedPair } from './align-runs.ts'
import { figuresRow } from './figures-row.ts'
import type { DiffPair, TurnDiff } from './run-diff.ts'
import { NO_FIGURES } from './run-figures.ts'
import type { RunIndex } from './run-index.ts'
import type { RunNode } from './run-node.ts'

/** A turn that one run has, or both. */
export interface AlignedTurn {
  readonly number: number
  readonly a: RunNode | undefined
  readonly b: RunNode | undefined
}

/** The turns of `a` by number, from 1; those that `b` alone has are numbered on. */
export function alignedTurns(a: RunIndex, b: RunIndex, pairs: readonly AlignedPair[]): AlignedTurn[] {
  const partnerOf = ({ pair }: RunNode): AlignedPair | undefined =>
    pair === undefined ? undefined : pairs[pair]
  const known = [...a.turns.values()].map((node) => ({ a: node, b: partnerOf(node)?.b }))
  const partners = new Set(known.map((turn) => turn.b))
  const others = [...b.turns.values()].flatMap((node) =>
    partners.has(node) ? [] : [{ a: undefined, b: node }],
  )
  return [...known, ...others].map((turn, place) => ({ ...turn, number: place + 1 }))
}

/** Counts what differs by turn; what belongs to none comes first, if there is any. */
export function diffTurns(
  pairs: readonly DiffPair[],
  turns: readonly AlignedTurn[],
  { a, b }: { a: RunIndex; b: RunIndex },
): TurnDiff[] {
  const counts = new Map<number | null, Counts>()
  for (const { turn, state, reordered } of pairs) {
    const count = counts.get(turn) ?? { same: 0, changed: 0, onlyInA: 0, onlyInB: 0, reordered: 0 }
    counts.set(turn, count)
    count[state]++
    if (reordered) count.reordered++
  }
  const outside = counts.get(null)
  const figuresOf = (run: RunIndex, turn: RunNode | undefined) =>
    turn?.turn === undefined ? null : (run.figures.turns.get(turn.turn) ?? NO_FIGURES)
  return [
    ...(outside
      ? [{ turn: null, a: null, b: null, ...outside, figures: figuresRow('outside turns', null, null) }]
      : []),
    ...turns.flatMap((turn): TurnDiff[] => {
      const count = counts.get(turn.number)
      if (!count) return []
      const figures = figuresRow(`turn ${turn.number}`, figuresOf(a, turn.a), figuresOf(b, turn.b))
      return [{ turn: turn.number, a: turn.a?.line ?? null, b: turn.b?.line ?? null, ...count, figures }]
    }),
  ]
}

interface Counts {
  same: number
  changed: number
  onlyInA: number
  onlyInB: number
  reordered: number
}
