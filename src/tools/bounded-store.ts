import { checkTimeLimit, checkWholeNumber } from './check-option.ts'

export interface StoreBounds {
  /** Bytes of all that is kept together. */
  readonly maxBytes: number
  /** How many things are kept. */
  readonly maxEntries: number
  /** Milliseconds that each is kept, from when it was put. */
  readonly ttl: number
}

/** Why a thing is not there: its time was up, newer ones needed its place, it never fitted, or none is known. */
export type Absence = 'expired' | 'dropped' | 'too large' | 'unknown'

/** Keeps things within bounds; the oldest leave first. */
export interface BoundedStore<T> {
  /** Keeps `value`, in place of what had this key; false when it alone is larger than all may be together. */
  put(key: string, value: T, bytes: number, now: number): boolean
  find(key: string, now: number): { readonly value: T } | { readonly absent: Absence }
  /** Forgets everything whose key begins so, and that it was ever there. */
  forget(prefix: string): void
  /** Bytes of what is kept now. */
  bytes(now: number): number
  readonly bounds: StoreBounds
}

/** How many of those that are gone are remembered with the reason, so that a message can say more than "unknown". */
const REMEMBERED = 1000

/**
 * A store that never holds more than its bounds; `name` is whose options a mistake in them is told of.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function boundedStore<T>(
  name: string,
  bounds: StoreBounds,
  entriesOption = 'maxEntries',
): BoundedStore<T> {
  checkWholeNumber(`${name}.maxBytes`, bounds.maxBytes)
  checkWholeNumber(`${name}.${entriesOption}`, bounds.maxEntries)
  checkTimeLimit(`${name}.ttl`, bounds.ttl)

  // In the order in which they were put, so that what has to leave always stands in front.
  const kept = new Map<string, { value: T; bytes: number; until: number }>()
  const gone = new Map<string, Absence>()
  let total = 0

  const remove = (key: string): void => {
    total -= kept.get(key)?.bytes ?? 0
    kept.delete(key)
  }
  const remember = (key: string, why: Absence): void => {
    gone.set(key, why)
    for (const [oldest] of gone) {
      if (gone.size <= REMEMBERED) return
      gone.delete(oldest)
    }
  }
  const expire = (now: number): void => {
    for (const [key, { until }] of kept) {
      if (until > now) return
      remove(key)
      remember(key, 'expired')
    }
  }
  const makePlace = (bytes: number): void => {
    for (const [key] of kept) {
      if (kept.size < bounds.maxEntries && total + bytes <= bounds.maxBytes) return
      remove(key)
      remember(key, 'dropped')
    }
  }

  return {
    bounds,
    put(key, value, bytes, now) {
      expire(now)
      remove(key)
      gone.delete(key)
      if (bytes > bounds.maxBytes) {
        remember(key, 'too large')
        return false
      }
      makePlace(bytes)
      kept.set(key, { value, bytes, until: now + bounds.ttl })
      total += bytes
      return true
    },
    find(key, now) {
      expire(now)
      const found = kept.get(key)
      if (!found) return { absent: gone.get(key) ?? 'unknown' }
      // A clock that was set back has put it behind one that lasts longer.
      return found.until > now ? { value: found.value } : { absent: 'expired' }
    },
    forget(prefix) {
      for (const key of kept.keys()) if (key.startsWith(prefix)) remove(key)
      for (const key of gone.keys()) if (key.startsWith(prefix)) gone.delete(key)
    },
    bytes(now) {
      expire(now)
      return total
    },
  }
}
