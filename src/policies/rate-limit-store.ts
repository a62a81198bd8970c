import { RecentlyUsed } from './recently-used.ts'

/** A token bucket: it holds up to `burst` tokens, and gets `limit` new ones every `per` milliseconds, evenly. */
export interface TokenBucket {
  readonly limit: number
  readonly per: number
  readonly burst: number
}

/** Where the buckets are. One that several processes share makes the limit theirs together. */
export interface RateLimitStore {
  /**
   * Takes `cost` tokens out of the bucket of a key and tells 0; or, if they are not all there, takes none and tells in
   * how many milliseconds to ask again. `now` is the bus's clock in epoch milliseconds.
   */
  take(key: string, cost: number, bucket: TokenBucket, now: number): number | Promise<number>
}

/** Sums of fractions miss a whole token by less than this. */
const ROUNDING = 1e-9

/**
 * Buckets in this process. There are at most 10 000: of more, full ones leave first, then the least recently used,
 * which begins full again when it comes back.
 */
export function memoryRateLimits(): RateLimitStore {
  const levels = new RecentlyUsed<{ tokens: number; at: number }>()
  return {
    take(key, cost, bucket, now) {
      const level = levels.get(
        key,
        () => ({ tokens: bucket.burst, at: now }),
        (other) => refilled(other, bucket, now) >= bucket.burst,
      )
      level.tokens = refilled(level, bucket, now)
      level.at = now
      const missing = cost - level.tokens - ROUNDING
      if (missing > 0) return Math.max(1, Math.ceil((missing * bucket.per) / bucket.limit))
      level.tokens -= cost
      return 0
    },
  }
}

/** What is in it by now. A clock that was set back adds nothing. */
function refilled(level: { tokens: number; at: number }, { limit, per, burst }: TokenBucket, now: number) {
  return Math.min(burst, level.tokens + (Math.max(0, now - level.at) * limit) / per)
}
