import type { ValuePath } from '../diff/path-pattern.ts'

/**
 * Whether two JSON values have the same keys and values of the same types. Lists may be of different lengths; what they hold at
 * the same places has to be alike.
 */
export function sameShape(
  a: unknown,
  b: unknown,
  ignores: (path: ValuePath) => boolean,
  path: ValuePath = [],
): boolean {
  if (ignores(path)) return true
  if (typeOf(a) !== typeOf(b)) return false
  if (Array.isArray(a) && Array.isArray(b))
    return a.every(
      (value, place) => place >= b.length || sameShape(value, b[place], ignores, [...path, place]),
    )
  if (!isObject(a) || !isObject(b)) return true
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) =>
    sameShape(own(a, key), own(b, key), ignores, [...path, key]),
  )
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'list' : typeof value
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function own(value: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(value, key)?.value
}
