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
  /** Whether what is at this path is passed over (default: nothing). */
  ignores?: (path: ValuePath) => boolean
  /** How many are told (default 100). */
  limit?: number
}

interface Frame {
  readonly path: ValuePath
  readonly a: unknown
  readonly b: unknown
}

/**
 * What differs between two JSON values, in the order of `a`. The order of keys is no difference. Of lists of different
 * lengths the ends that agree are left out, so that one more element is one change. Of any depth.
 */
export function valueChanges(a: unknown, b: unknown, rules: ValueRules = {}): ValueChange[] {
  const { sameText = () => false, ignores = () => false, limit = 100 } = rules
  const found: ValueChange[] = []
  const stack: Frame[] = [{ path: [], a, b }]
  for (let frame = stack.pop(); frame && found.length < limit; frame = stack.pop()) {
    const { path } = frame
    if (frame.a === frame.b || ignores(path)) continue
    const inner = innerOf(frame, sameText, ignores)
    if (inner) for (const next of inner.toReversed()) stack.push(next)
    else if (!isSameLeaf(frame, sameText)) found.push({ path: pathText(path), a: frame.a, b: frame.b })
  }
  return found
}

/** What is inside two containers of one kind; undefined for anything else. */
function innerOf(
  { path, a, b }: Frame,
  sameText: (a: string, b: string) => boolean,
  ignores: (path: ValuePath) => boolean,
): Frame[] | undefined {
  if (Array.isArray(a) && Array.isArray(b))
    return elements(path, a, b, (x, y, at) => isSame({ path: at, a: x, b: y }, sameText, ignores))
  if (!isPlain(a) || !isPlain(b)) return undefined
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...keys].map((key) => ({ path: [...path, key], a: own(a, key), b: own(b, key) }))
}

function elements(
  path: ValuePath,
  a: readonly unknown[],
  b: readonly unknown[],
  same: (a: unknown, b: unknown, path: ValuePath) => boolean,
): Frame[] {
  let start = 0
  let end = 0
  if (a.length !== b.length) {
    const shorter = Math.min(a.length, b.length)
    while (start < shorter && same(a[start], b[start], [...path, start])) start++
    while (
      end < shorter - start &&
      same(a[a.length - 1 - end], b[b.length - 1 - end], [...path, a.length - 1 - end])
    )
      end++
  }
  const length = Math.max(a.length, b.length) - end
  return Array.from({ length: length - start }, (_, offset) => {
    const place = start + offset
    return {
      path: [...path, place],
      a: place < a.length - end ? a[place] : undefined,
      b: place < b.length - end ? b[place] : undefined,
    }
  })
}

/** Without the care for lists of different lengths, so that it costs no more than the values are long. */
function isSame(
  first: Frame,
  sameText: (a: string, b: string) => boolean,
  ignores: (path: ValuePath) => boolean,
): boolean {
  const stack = [first]
  for (let frame = stack.pop(); frame; frame = stack.pop()) {
    const { path, a, b } = frame
    if (a === b || ignores(path)) continue
    if (Array.isArray(a) && Array.isArray(b)) {
      if (a.length !== b.length) return false
      for (const [place, value] of a.entries()) stack.push({ path: [...path, place], a: value, b: b[place] })
    } else if (isPlain(a) && isPlain(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        stack.push({ path: [...path, key], a: own(a, key), b: own(b, key) })
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
