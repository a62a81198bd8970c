/** What a value is replaced by; undefined leaves it, and looks inside of it. */
export type Replace = (value: unknown) => { readonly by: unknown } | undefined

/** What nests deeper is no message (`NOT_JSON`). */
const DEEPEST = 1000

/**
 * A copy of a value in which some, wherever they stand in plain objects and arrays, are replaced; the value itself when
 * none was. Cycles, and what nests deeper than any message, are left as they are.
 */
export function replaceInside(value: unknown, replace: Replace, ancestors: readonly object[] = []): unknown {
  const replacement = replace(value)
  if (replacement) return replacement.by
  if (typeof value !== 'object' || value === null) return value
  if (ancestors.length === DEEPEST || ancestors.includes(value)) return value
  const inside = [...ancestors, value]
  if (Array.isArray(value)) {
    const items: unknown[] = value.map((item: unknown) => replaceInside(item, replace, inside))
    return items.every((item, index) => Object.is(item, value[index])) ? value : items
  }
  if (!isPlain(value)) return value
  const entries = Object.entries(value)
  const changed = entries.map(([key, item]): [string, unknown] => [key, replaceInside(item, replace, inside)])
  return changed.every(([, item], index) => Object.is(item, entries[index]?.[1]))
    ? value
    : Object.fromEntries(changed)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
