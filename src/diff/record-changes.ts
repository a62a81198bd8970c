import type { JournalRecord } from '../bus/journal.ts'
import type { ValuePath } from './path-pattern.ts'
import { valueChanges, type ValueChange } from './value-changes.ts'
import { volatileIn } from './volatile-fields.ts'

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
  const { type } = a
  // The hash of a request takes in the ids of its messages, so it means something within one run's ids only.
  const isForeignHash = a.id !== b.id && type === 'model.call'
  const isVolatile = volatileIn(type)
  return valueChanges(a, b, {
    ...(sameText && { sameText }),
    ...(limit !== undefined && { limit }),
    ignores: (path) => {
      const [field = '', inner] = path
      if (path.length === 0) return false
      if (path.length === 1 && PLACE.has(String(field))) return true
      if (isForeignHash && path.length === 2 && inner === 'hash') return true
      return isVolatile(type, path) || (ignores?.(type, path) ?? false)
    },
  })
}
