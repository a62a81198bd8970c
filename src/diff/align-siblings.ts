import { commonPairs, type PlacePair } from './common-pairs.ts'
import type { RunNode } from './run-node.ts'

export interface Siblings {
  readonly pairs: readonly (readonly [a: RunNode, b: RunNode])[]
  readonly onlyA: readonly RunNode[]
  readonly onlyB: readonly RunNode[]
}

/**
 * Aligns what one parent caused in two runs. What says the same is paired first, in order; then, between these pairs, what
 * has the same key; then what says the same wherever it stands, which is another order of siblings.
 */
export function alignSiblings(
  a: readonly RunNode[],
  b: readonly RunNode[],
  keyOf: (node: RunNode) => string,
): Siblings {
  const exact = (node: RunNode): string => `${keyOf(node)}\n${node.print}`
  // Of several ways that are as short the same one is to be found from both sides.
  if (isAfter(a.map(exact), b.map(exact))) {
    const { pairs, onlyA, onlyB } = aligned(b, a, keyOf, exact)
    return { pairs: pairs.map(([one, other]) => [other, one]), onlyA: onlyB, onlyB: onlyA }
  }
  return aligned(a, b, keyOf, exact)
}

function isAfter(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return a.length > b.length
  const place = a.findIndex((text, at) => text !== b[at])
  return place !== -1 && (a[place] ?? '') > (b[place] ?? '')
}

function aligned(
  a: readonly RunNode[],
  b: readonly RunNode[],
  keyOf: (node: RunNode) => string,
  exact: (node: RunNode) => string,
): Siblings {
  const pairs: (readonly [RunNode, RunNode])[] = []
  const aloneA: RunNode[] = []
  const aloneB: RunNode[] = []

  let fromA = 0
  let fromB = 0
  for (const [atA, atB] of [...commonPairs(a.map(exact), b.map(exact)), endsOf(a, b)]) {
    const gap = pairUp(a.slice(fromA, atA), b.slice(fromB, atB), keyOf)
    for (const pair of gap.pairs) pairs.push(pair)
    for (const node of gap.onlyA) aloneA.push(node)
    for (const node of gap.onlyB) aloneB.push(node)
    const [nodeA, nodeB] = [a[atA], b[atB]]
    if (nodeA && nodeB) pairs.push([nodeA, nodeB])
    fromA = atA + 1
    fromB = atB + 1
  }

  const moved = pairMoved(aloneA, aloneB, exact)
  return { ...moved, pairs: [...pairs, ...moved.pairs] }
}

function endsOf(a: readonly RunNode[], b: readonly RunNode[]): PlacePair {
  return [a.length, b.length]
}

function pairUp(a: readonly RunNode[], b: readonly RunNode[], keyOf: (node: RunNode) => string): Siblings {
  if (a.length === 0 || b.length === 0) return { pairs: [], onlyA: a, onlyB: b }
  const found = commonPairs(a.map(keyOf), b.map(keyOf))
  const pairs = found.flatMap(([atA, atB]): (readonly [RunNode, RunNode])[] => {
    const [nodeA, nodeB] = [a[atA], b[atB]]
    return nodeA && nodeB ? [[nodeA, nodeB]] : []
  })
  const [pairedA, pairedB] = [new Set(found.map(([at]) => at)), new Set(found.map(([, at]) => at))]
  return {
    pairs,
    onlyA: a.filter((_, place) => !pairedA.has(place)),
    onlyB: b.filter((_, place) => !pairedB.has(place)),
  }
}

function pairMoved(a: readonly RunNode[], b: readonly RunNode[], exact: (node: RunNode) => string): Siblings {
  const waiting = new Map<string, RunNode[]>()
  // Backwards, because they are taken from the end.
  for (const node of b.toReversed()) {
    const alike = waiting.get(exact(node))
    if (alike) alike.push(node)
    else waiting.set(exact(node), [node])
  }
  const taken = new Set<RunNode>()
  const pairs: [RunNode, RunNode][] = []
  const onlyA: RunNode[] = []
  for (const node of a) {
    const partner = waiting.get(exact(node))?.pop()
    if (!partner) onlyA.push(node)
    else {
      taken.add(partner)
      pairs.push([node, partner])
    }
  }
  return { pairs, onlyA, onlyB: b.filter((node) => !taken.has(node)) }
}
