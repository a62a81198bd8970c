/** The first place where two JSON values differ, depth first, as a path; undefined where they are equal. */
export interface Difference {
  readonly path: string
  readonly recorded: unknown
  readonly replayed: unknown
}

/** Compares two JSON values; the order of an object's keys means nothing. */
export function firstDifference(recorded: unknown, replayed: unknown, path = ''): Difference | undefined {
  if (Object.is(recorded, replayed)) return undefined
  if (Array.isArray(recorded) && Array.isArray(replayed)) {
    const longest = Math.max(recorded.length, replayed.length)
    for (let index = 0; index < longest; index++) {
      const found = firstDifference(recorded[index], replayed[index], `${path}[${index}]`)
      if (found) return found
    }
    return undefined
  }
  if (isObject(recorded) && isObject(replayed)) {
    for (const key of new Set([...Object.keys(recorded), ...Object.keys(replayed)])) {
      const inner = path === '' ? key : `${path}.${key}`
      const found = firstDifference(own(recorded, key), own(replayed, key), inner)
      if (found) return found
    }
    return undefined
  }
  return { path, recorded, replayed }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function own(object: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value
}
