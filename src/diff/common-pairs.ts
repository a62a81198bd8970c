import { longestIncreasing } from './longest-increasing.ts'

/** Places in two sequences that hold the same. */
export type PlacePair = readonly [a: number, b: number]

/** Edits up to which the shortest way is looked for: its cost grows with their square. */
const MOST_EDITS = 1000

/**
 * Pairs of places of a longest common subsequence, in order. Found with the greedy algorithm of E. W. Myers, An O(ND) Difference
 * Algorithm and Its Variations, 1986; where the sequences have more than a thousand edits between them, equal elements
 * are paired by how often they occurred before and the longest run of pairs that do not cross is kept, so that the cost
 * stays O(n log n).
 */
export function commonPairs(a: readonly string[], b: readonly string[]): PlacePair[] {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let endA = a.length
  let endB = b.length
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--
    endB--
  }
  const middleA = a.slice(start, endA)
  const middleB = b.slice(start, endB)
  const middle = shortestEdit(middleA, middleB) ?? byOccurrence(middleA, middleB)
  return [
    ...Array.from({ length: start }, (_, place): PlacePair => [place, place]),
    ...middle.map(([placeA, placeB]): PlacePair => [placeA + start, placeB + start]),
    ...Array.from({ length: a.length - endA }, (_, place): PlacePair => [endA + place, endB + place]),
  ]
}

/** Undefined when it takes too many edits. */
function shortestEdit(a: readonly string[], b: readonly string[]): PlacePair[] | undefined {
  if (a.length === 0 || b.length === 0) return []
  const most = Math.min(a.length + b.length, MOST_EDITS)
  /** By diagonal + most + 1: the furthest place of `a` reached. */
  const reach = new Int32Array(2 * most + 3)
  const history: Int32Array[] = []
  for (let edits = 0; edits <= most; edits++) {
    history.push(reach.slice(most + 1 - edits - 1, most + 1 + edits + 2))
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const place = diagonal + most + 1
      const below = reach[place + 1] ?? 0
      const left = reach[place - 1] ?? 0
      let x = diagonal === -edits || (diagonal !== edits && left < below) ? below : left + 1
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x++
      reach[place] = x
      if (x >= a.length && x - diagonal >= b.length) return walkBack(history, a.length, b.length)
    }
  }
  return undefined
}

function walkBack(history: readonly Int32Array[], lengthA: number, lengthB: number): PlacePair[] {
  const found: PlacePair[] = []
  let x = lengthA
  let y = lengthB
  for (let edits = history.length - 1; edits >= 0; edits--) {
    // As it was before this edit; its middle is diagonal 0.
    const reach = history[edits] ?? new Int32Array()
    const at = (diagonal: number): number => reach[diagonal + edits + 1] ?? 0
    const diagonal = x - y
    const isDown = diagonal === -edits || (diagonal !== edits && at(diagonal - 1) < at(diagonal + 1))
    const from = isDown ? diagonal + 1 : diagonal - 1
    const fromX = edits === 0 ? 0 : at(from)
    const fromY = edits === 0 ? 0 : fromX - from
    while (x > fromX && y > fromY) found.push([--x, --y])
    x = fromX
    y = fromY
  }
  return found.toReversed()
}

function byOccurrence(a: readonly string[], b: readonly string[]): PlacePair[] {
  const places = new Map<string, number[]>()
  for (const [place, value] of b.entries()) {
    const known = places.get(value)
    if (known) known.push(place)
    else places.set(value, [place])
  }
  const taken = new Map<string, number>()
  const pairs: PlacePair[] = []
  for (const [place, value] of a.entries()) {
    const count = taken.get(value) ?? 0
    const partner = places.get(value)?.[count]
    if (partner === undefined) continue
    taken.set(value, count + 1)
    pairs.push([place, partner])
  }
  const kept = longestIncreasing(pairs.map(([, partner]) => partner))
  return kept.flatMap((place) => {
    const pair = pairs[place]
    return pair ? [pair] : []
  })
}
