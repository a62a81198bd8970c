import { treeEnd, within, type Stretch, type TraceNode, type TraceTree } from './trace-tree.ts'

/** A bus's clock shows whole milliseconds as a rule: what seems to overlap by less than one came after the other. */
const CLOCK = 1

/** A stretch of the critical path, and the span that worked in it. */
export interface PathPart<Tree extends TraceNode = TraceTree> extends Stretch {
  readonly span: Tree
}

/**
 * What a span waited for: had any part of it been shorter, the whole could have been. Walks back from the end: the child
 * that ended last was waited for, so its own path comes next; before it began, the child that had ended last by then; what
 * no child accounts for is the span's own. A child that outlives its parent counts up to the parent's end, one that began
 * after it not at all. So the parts follow each other without gap or overlap, and are as long as the root together.
 *
 * The algorithm is that of Jaeger's critical path and of CRISP (Zhang et al., "CRISP: Critical Path Analysis of Large-Scale
 * Microservice Architectures", USENIX ATC 2022, section 3), without recursion, as files nest as deep as they like.
 *
 * @returns the parts in order of time
 */
export function criticalPath<Tree extends TraceNode & { readonly children: readonly Tree[] }>(
  root: Tree,
): PathPart<Tree>[] {
  const parts: PathPart<Tree>[] = []
  const end = root.ms === undefined ? treeEnd(root) : root.start + root.ms
  const open: Walk<Tree>[] = [begun(root, { from: root.start, to: end })]
  for (let walk = open.at(-1); walk; walk = open.at(-1)) {
    const next = waitedFor(walk)
    if (!next) {
      take(parts, walk.span, { from: walk.all.from, to: walk.at })
      open.pop()
      continue
    }
    take(parts, walk.span, { from: next.part.to, to: walk.at })
    walk.at = next.part.from
    open.push(begun(next.child, next.part))
  }
  return parts.toReversed()
}

/** A span whose path is being walked back. */
interface Walk<Tree> {
  readonly span: Tree
  readonly all: Stretch
  /** Up to where the path is known. */
  at: number
  /** The parts of children in this span, the one that ends last at the end. */
  readonly children: { child: Tree; part: Stretch }[]
}

function begun<Tree extends TraceNode & { readonly children: readonly Tree[] }>(
  span: Tree,
  all: Stretch,
): Walk<Tree> {
  const children = span.children.flatMap((child) => {
    const part = within(all, child)
    return part ? [{ child, part }] : []
  })
  return {
    span,
    all,
    at: all.to,
    children: children.toSorted((a, b) => a.part.to - b.part.to || a.part.from - b.part.from),
  }
}

function waitedFor<Tree>({ children, at }: Walk<Tree>): { child: Tree; part: Stretch } | undefined {
  for (let last = children.pop(); last; last = children.pop()) {
    const { from, to } = last.part
    if (to <= at) return last
    if (to < at + CLOCK && from < at) return { child: last.child, part: { from, to: at } }
  }
  return undefined
}

function take<Tree extends TraceNode>(parts: PathPart<Tree>[], span: Tree, { from, to }: Stretch): void {
  if (from < to) parts.push({ span, from, to })
}

/** How long a span did something itself: its time without that of its children, where they overlap counted once. */
export function selfMs(span: TraceTree, end = span.start + (span.ms ?? 0)): number {
  const all = { from: span.start, to: end }
  const parts = span.children.flatMap((child) => within(all, child) ?? []).toSorted((a, b) => a.from - b.from)
  let own = 0
  let at = all.from
  for (const { from, to } of parts) {
    if (from > at) own += from - at
    at = Math.max(at, to)
  }
  return own + Math.max(0, all.to - at)
}
