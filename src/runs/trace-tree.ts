/** A piece of work in a trace. */
export interface TraceNode {
  readonly id: string
  /** Epoch milliseconds. */
  readonly start: number
  /** Undefined where it has no end. */
  readonly ms: number | undefined
  readonly points?: readonly { readonly type: string; readonly time: number }[]
}

/** What traces are computed over; a `Span` of `spansOf` is one. Its children are in any order. */
export interface TraceTree extends TraceNode {
  readonly children: readonly TraceTree[]
}

/** A stretch of time, epoch milliseconds. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/**
 * When the last of a tree ends, as far as that is known: what has no end lasts at least as long as what is below it, and is
 * drawn up to here.
 */
export function treeEnd(tree: TraceTree): number {
  let end = tree.start
  const open: TraceTree[] = [tree]
  for (let node = open.pop(); node; node = open.pop()) {
    end = Math.max(end, node.start + (node.ms ?? 0))
    for (const { time } of node.points ?? []) end = Math.max(end, time)
    for (const child of node.children) open.push(child)
  }
  return end
}

/** The part of a span that lies in its parent's; what has no end lasts as long as the parent. Undefined where there is none. */
export function within(parent: Stretch, { start, ms }: TraceNode): Stretch | undefined {
  const from = Math.max(parent.from, start)
  const to = Math.min(parent.to, ms === undefined ? parent.to : start + ms)
  return from < to ? { from, to } : undefined
}
