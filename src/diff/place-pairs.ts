import type { Alignment } from './align-runs.ts'
import type { AlignedTurn } from './diff-turns.ts'
import type { DiffPair } from './run-diff.ts'
import type { RunIndex } from './run-index.ts'
import type { RunNode } from './run-node.ts'
import type { ValueChange } from './value-changes.ts'

/** What differs in a pair, and on which line that is in each run. */
export interface Change {
  readonly a: number
  readonly b: number
  readonly changes: readonly ValueChange[]
}

/** What differs, by the number of the pair. */
export type Found = ReadonlyMap<number, Change>

/** Of those that do not differ: one list for all. */
const NONE: readonly ValueChange[] = []

/** A message in its place: `gap` counts the pairs in order that come before it in both runs. */
export interface Placed {
  readonly pair: DiffPair
  readonly gap: number
  /** Within a gap: what is in `a` alone, then in `b` alone, then what is in another order, then the pair that ends it. */
  readonly rank: number
}

/** Every message of both runs, in the order of `a`; what `b` alone has stands where it came there. */
export function placePairs(
  {
    indexA,
    indexB,
    alignment,
    found,
  }: { indexA: RunIndex; indexB: RunIndex; alignment: Alignment; found: Found },
  turns: readonly AlignedTurn[],
): Placed[] {
  const turnOf = turnNumbers(turns, indexA, indexB)
  const inOrder = alignment.pairs.filter(({ reordered }) => !reordered)
  const [linesA, linesB] = [inOrder.map(({ a }) => a.line), inOrder.map(({ b }) => b.line)]
  const alone = (node: RunNode, state: 'onlyInA' | 'onlyInB'): Placed => {
    const isA = state === 'onlyInA'
    const lines = { a: isA ? node.line : null, b: isA ? null : node.line }
    const pair = { state, ...lines, ...about(node), turn: turnOf(node, isA), reordered: false, changes: NONE }
    return { pair, gap: countBelow(isA ? linesA : linesB, node.line), rank: isA ? 0 : 1 }
  }
  const both = alignment.pairs.map(({ a, b, reordered }, number): Placed => {
    const change = found.get(number)
    const state = change ? 'changed' : 'same'
    const pair = {
      state,
      a: change?.a ?? a.line,
      b: change?.b ?? b.line,
      ...about(a),
      turn: turnOf(a, true),
      reordered,
      changes: change?.changes ?? NONE,
    } as const
    const gap = Math.min(countBelow(linesA, a.line), reordered ? countBelow(linesB, b.line) : Infinity)
    return { pair, gap, rank: reordered ? 2 : 3 }
  })
  return [
    ...both,
    ...alignment.onlyA.map((node) => alone(node, 'onlyInA')),
    ...alignment.onlyB.map((node) => alone(node, 'onlyInB')),
  ].sort((one, other) => one.gap - other.gap || one.rank - other.rank || lineOf(one) - lineOf(other))
}

function lineOf({ pair }: Placed): number {
  return pair.a ?? pair.b ?? 0
}

function about({ kind, type, name }: RunNode): { kind: string; type: string; name: string | null } {
  return { kind, type, name: name ?? null }
}

/** How many of these ascending lines are before one. */
function countBelow(lines: readonly number[], line: number): number {
  let low = 0
  let high = lines.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((lines[middle] ?? Infinity) < line) low = middle + 1
    else high = middle
  }
  return low
}

function numbered(number: number, ...nodes: (RunNode | undefined)[]): [RunNode, number][] {
  return nodes.flatMap((node): [RunNode, number][] => (node ? [[node, number]] : []))
}

function turnNumbers(
  turns: readonly AlignedTurn[],
  a: RunIndex,
  b: RunIndex,
): (node: RunNode, isA: boolean) => number | null {
  const numbers = new Map(turns.flatMap(({ a: nodeA, b: nodeB, number }) => numbered(number, nodeA, nodeB)))
  return ({ turn }, isA) => {
    const node = turn === undefined ? undefined : (isA ? a : b).turns.get(turn)
    return (node && numbers.get(node)) ?? null
  }
}
