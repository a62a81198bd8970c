import { pathText, type ValuePath } from './path-pattern.ts'

/** One value that differs; undefined where a side has none. */
export interface ValueChange {
  /** From the record down, as in `data.messages[2].content`. */
  readonly path: string
  readonly a: unknown
  readonly b: unknown
}

export interface ValueRules {
  /** Whether two different strings mean the same, as ids of two runs do (default: they do not). */
  sameText?: (a: string, b: string) => boolean
  /** Whether what is at this path is passed over (default: nothing). The path is lent for the call. */
  ignores?: (path: ValuePath) => boolean
  /** How many are told (default 100). */
  limit?: number
}

/** Deeper than people nest, lists of different lengths are compared place by place: looking for their ends takes time. */
const DEEP = 200

type Key = string | number

/** Two values to be compared; `key` is where they stand in what holds them, which is at `depth` - 1. */
interface Frame {
  readonly depth: number
  readonly key: Key
  readonly a: unknown
  readonly b: unknown
}

type Rules = Required<Omit<ValueRules, 'limit'>>

/**
 * What differs between two JSON values, in the order of `a`. The order of keys is no difference. Of lists of different
 * lengths the ends that agree are left out, so that one more element is one change. Of any depth.
 */
export function valueChanges(a: unknown, b: unknown, rules: ValueRules = {}): ValueChange[] {
  const { sameText = () => false, ignores = () => false, limit = 100 } = rules
  const found: ValueChange[] = []
  // One path for all, because a copy for each would cost the square of the depth.
  const path: Key[] = []
  const stack: Frame[] = [{ depth: 0, key: '', a, b }]
  for (let frame = stack.pop(); frame && found.length < limit; frame = stack.pop()) {
    moveTo(path, frame)
    if (frame.a === frame.b || ignores(path)) continue
    const inner = innerOf(frame, path, { sameText, ignores })
    if (inner) for (const next of inner.toReversed()) stack.push(next)
    else if (!isSameLeaf(frame, sameText)) found.push({ path: pathText(path), a: frame.a, b: frame.b })
  }
  return found
}

function moveTo(path: Key[], { depth, key }: Frame): void {
  path.length = Math.max(0, depth - 1)
  if (depth > 0) path.push(key)
}

/** What is inside two containers of one kind; undefined for anything else. */
function innerOf({ depth, a, b }: Frame, path: readonly Key[], rules: Rules): Frame[] | undefined {
  if (Array.isArray(a) && Array.isArray(b)) {
    const same = (x: unknown, y: unknown, place: number): boolean => isSame(x, y, [...path, place], rules)
    return elements(a, b, depth + 1, depth < DEEP ? same : () => false)
  }
  if (!isPlain(a) || !isPlain(b)) return undefined
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...keys].map((key) => ({ depth: depth + 1, key, a: own(a, key), b: own(b, key) }))
}

function elements(
  a: readonly unknown[],
  b: readonly unknown[],
  depth: number,
  same: (a: unknown, b: unknown, place: number) => boolean,
): Frame[] {
  let start = 0
  let end = 0
  if (a.length !== b.length) {
    const shorter = Math.min(a.length, b.length)
    while (start < shorter && same(a[start], b[start], start)) start++
    while (end < shorter - start && same(a[a.length - 1 - end], b[b.length - 1 - end], a.length - 1 - end))
      end++
  }
  const length = Math.max(a.length, b.length) - end
  return Array.from({ length: length - start }, (_, offset) => {
    const key = start + offset
    return {
      depth,
      key,
      a: key < a.length - end ? a[key] : undefined,
      b: key < b.length - end ? b[key] : undefined,
    }
  })
}

/** Without the care for lists of different lengths, so that it costs no more than the values are long. */
function isSame(a: unknown, b: unknown, path: Key[], { sameText, ignores }: Rules): boolean {
  const stack: Frame[] = [{ depth: path.length, key: path.at(-1) ?? '', a, b }]
  for (let frame = stack.pop(); frame; frame = stack.pop()) {
    moveTo(path, frame)
    const { a: one, b: other } = frame
    const depth = frame.depth + 1
    if (one === other || ignores(path)) continue
    if (Array.isArray(one) && Array.isArray(other)) {
      if (one.length !== other.length) return false
      for (const [key, value] of one.entries()) stack.push({ depth, key, a: value, b: other[key] })
    } else if (isPlain(one) && isPlain(other)) {
      for (const key of new Set([...Object.keys(one), ...Object.keys(other)]))
        stack.push({ depth, key, a: own(one, key), b: own(other, key) })
    } else if (!isSameLeaf(frame, sameText)) return false
  }
  return true
}

function isSameLeaf({ a, b }: Frame, sameText: (a: string, b: string) => boolean): boolean {
  return typeof a === 'string' && typeof b === 'string' && sameText(a, b)
}

function own(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
