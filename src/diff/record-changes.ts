import type { JournalRecord } from '../bus/journal.ts'
import type { ValuePath } from './path-pattern.ts'
import { valueChanges, type ValueChange } from './value-changes.ts'
import { isVolatile } from './volatile-fields.ts'

/** The place of a message in its run: two messages that are compared have been found to be in the same. */
const PLACE = new Set(['v', 'seq', 'time', 'ms', 'id', 'of', 'cause', 'root'])

/**
 * What two records of one message say differently: not when they were written, how long it took, nor which ids a run gave.
 *
 * @param rules.sameText whether two strings are ids of the same (default: only equal ones)
 * @param rules.ignores what is passed over besides (default: nothing)
 */
export function recordChanges(
  a: JournalRecord,
  b: JournalRecord,
  rules: {
    sameText?: (a: string, b: string) => boolean
    ignores?: (type: string, path: ValuePath) => boolean
    limit?: number
  } = {},
): ValueChange[] {
  const { sameText, ignores, limit } = rules
  // The hash of a request takes in the ids of its messages, so it means something within one run's ids only.
  const isForeign = a.id !== b.id
  return valueChanges(said(a), said(b), {
    ...(sameText && { sameText }),
    ...(limit !== undefined && { limit }),
    ignores: (path) =>
      path.length > 0 &&
      (isVolatile(a.type, path) ||
        (isForeign && path.length === 2 && path[1] === 'hash' && a.type === 'model.call') ||
        (ignores?.(a.type, path) ?? false)),
  })
}

function said(record: JournalRecord): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([field]) => !PLACE.has(field)))
}
