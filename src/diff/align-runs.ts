import { alignSiblings } from './align-siblings.ts'
import { longestIncreasing } from './longest-increasing.ts'
import type { RunIndex } from './run-index.ts'
import type { RunNode } from './run-node.ts'

export interface AlignedPair {
  readonly a: RunNode
  readonly b: RunNode
  /** Whether it comes in another order than the others do. */
  reordered: boolean
}

/** Two runs side by side: what each has that the other has not, and what both have. */
export interface Alignment {
  /** In the order of `a`; a node's `pair` is its place here. */
  readonly pairs: readonly AlignedPair[]
  readonly onlyA: readonly RunNode[]
  readonly onlyB: readonly RunNode[]
  /** Whether two strings mean the same: ids of messages, calls or sessions that correspond. */
  readonly sameText: (a: string, b: string) => boolean
}

/** Aligns two runs by cause: roots with roots, then what aligned messages caused. */
export function alignRuns(a: RunIndex, b: RunIndex): Alignment {
  const sessions = sessionNames(a, b)
  const rootKey =
    (names: ReadonlyMap<string, string>) =>
    ({ key, session }: RunNode): string =>
      session === undefined ? key : `${key} in ${names.get(session) ?? session}`
  const rootKeys = new Map<RunNode, string>()
  for (const node of a.roots) rootKeys.set(node, rootKey(sessions.a)(node))
  for (const node of b.roots) rootKeys.set(node, rootKey(sessions.b)(node))

  const pairs: AlignedPair[] = []
  const onlyA: RunNode[] = []
  const onlyB: RunNode[] = []
  const open: [readonly RunNode[], readonly RunNode[]][] = [[a.roots, b.roots]]
  for (let level = open.pop(); level; level = open.pop()) {
    const found = alignSiblings(...level, (node) => rootKeys.get(node) ?? node.key)
    for (const [nodeA, nodeB] of found.pairs) {
      pairs.push({ a: nodeA, b: nodeB, reordered: false })
      if (nodeA.children.length + nodeB.children.length > 0) open.push([nodeA.children, nodeB.children])
    }
    for (const node of found.onlyA) collect(node, onlyA)
    for (const node of found.onlyB) collect(node, onlyB)
  }
  pairs.sort((one, other) => one.a.line - other.a.line)
  for (const [place, pair] of pairs.entries()) pair.a.pair = pair.b.pair = place
  markReordered(pairs)
  return { pairs, onlyA: byLine(onlyA), onlyB: byLine(onlyB), sameText: sameTextOf(a, b, sessions) }
}

function collect(node: RunNode, into: RunNode[]): void {
  const open = [node]
  for (let next = open.pop(); next; next = open.pop()) {
    into.push(next)
    for (const child of next.children) open.push(child)
  }
}

function byLine(nodes: RunNode[]): RunNode[] {
  return nodes.sort((one, other) => one.line - other.line)
}

/** The fewest that can be taken out for the others to be in order; the same ones from both sides. */
function markReordered(pairs: readonly AlignedPair[]): void {
  const byB = [...pairs.keys()].sort((one, other) => (pairs[one]?.b.line ?? 0) - (pairs[other]?.b.line ?? 0))
  /** By place in `a`: the place in `b`; and the other way round. */
  const toB: number[] = Array.from({ length: pairs.length }, () => 0)
  for (const [placeB, placeA] of byB.entries()) toB[placeA] = placeB
  const differs = toB.findIndex((place, at) => place !== byB[at])
  const isLater = differs !== -1 && (toB[differs] ?? 0) > (byB[differs] ?? 0)
  const kept = isLater ? longestIncreasing(byB).map((placeB) => byB[placeB]) : longestIncreasing(toB)
  const inOrder = new Set(kept)
  for (const [place, pair] of pairs.entries()) pair.reordered = !inOrder.has(place)
}

interface SessionNames {
  readonly a: ReadonlyMap<string, string>
  readonly b: ReadonlyMap<string, string>
}

/** A session that both runs know is itself; of the others, the first of one run is the first of the other. */
function sessionNames(a: RunIndex, b: RunIndex): SessionNames {
  const own = (one: RunIndex, other: RunIndex): Map<string, string> => {
    const unshared = [...one.sessions].filter((id) => !other.sessions.has(id))
    return new Map(unshared.map((id, place) => [id, `session ${place + 1}`]))
  }
  return { a: own(a, b), b: own(b, a) }
}

const MESSAGE_ID = /^(.+)\/(\d+)$/

function sameTextOf(a: RunIndex, b: RunIndex, sessions: SessionNames): (a: string, b: string) => boolean {
  const arePaired = (nodeA: RunNode | undefined, nodeB: RunNode | undefined): boolean =>
    nodeA?.pair !== undefined && nodeA.pair === nodeB?.pair
  return (textA, textB) => {
    if (arePaired(a.byId.get(textA), b.byId.get(textB))) return true
    const [originA, originB] = [a.origins.get(textA), b.origins.get(textB)]
    if (arePaired(originA?.node, originB?.node) && originA?.which === originB?.which) return true
    const session = sessions.a.get(textA)
    if (session !== undefined && session === sessions.b.get(textB)) return true
    const [messageA, messageB] = [MESSAGE_ID.exec(textA), MESSAGE_ID.exec(textB)]
    if (messageA?.[2] === undefined || messageA[2] !== messageB?.[2]) return false
    return arePaired(a.byId.get(messageA[1] ?? ''), b.byId.get(messageB[1] ?? ''))
  }
}
