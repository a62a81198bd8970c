import { criticalPath, selfMs } from './critical-path.ts'
import { isFirstPiece } from './first-piece.ts'
import { treeEnd, type Stretch, type TraceNode, type TraceTree } from './trace-tree.ts'

/** One span of a trace, and what the whole says of it. */
export interface TraceRow<Tree extends TraceNode = TraceTree> {
  readonly span: Tree
  readonly depth: number
  /** Of what has no end, that of the whole. Epoch milliseconds. */
  readonly end: number
  readonly selfMs: number
  /** Where it is on the critical path itself, not by a child. */
  readonly critical: readonly Stretch[]
  readonly criticalMs: number
  /** When the first piece of a streamed answer came, epoch milliseconds. */
  readonly firstPiece: number | undefined
}

/** The spans of a tree, each before those below it, in the order in which they began. */
export function traceRows<Tree extends TraceNode & { readonly children: readonly Tree[] }>(
  root: Tree,
): TraceRow<Tree>[] {
  const whole = treeEnd(root)
  const path = new Map<Tree, Stretch[]>()
  for (const { span, from, to } of criticalPath(root)) {
    const known = path.get(span)
    if (known) known.push({ from, to })
    else path.set(span, [{ from, to }])
  }

  const rows: TraceRow<Tree>[] = []
  const open: { span: Tree; depth: number }[] = [{ span: root, depth: 0 }]
  for (let next = open.pop(); next; next = open.pop()) {
    const { span, depth } = next
    const critical = path.get(span) ?? []
    const end = span.ms === undefined ? Math.max(span.start, whole) : span.start + span.ms
    rows.push({
      span,
      depth,
      end,
      selfMs: selfMs(span, end),
      critical,
      criticalMs: critical.reduce((sum, { from, to }) => sum + (to - from), 0),
      firstPiece: firstPieceOf(span),
    })
    for (const child of span.children.toSorted((a, b) => a.start - b.start).toReversed())
      open.push({ span: child, depth: depth + 1 })
  }
  return rows
}

function firstPieceOf({ points = [] }: TraceNode): number | undefined {
  let first: number | undefined
  for (const { type, time } of points)
    if (isFirstPiece(type) && (first === undefined || time < first)) first = time
  return first
}
