import { createHash } from 'node:crypto'

/** `sha256-…` of a value as JSON, in which the order of an object's keys does not matter. */
export function canonicalHash(value: unknown): string {
  const json = JSON.stringify(value, (_, item: unknown) => (isRecord(item) ? sorted(item) : item))
  return `sha256-${createHash('sha256')
    .update(json ?? 'undefined')
    .digest('hex')}`
}

function sorted(record: object): unknown {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
