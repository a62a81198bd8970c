import { checkWholeNumber } from './check-option.ts'

/** What a command came to, and the hash of its input. */
export interface StoredOutcome {
  readonly input: string
  readonly output: unknown
}

/** Where outcomes are kept. One that outlives the process makes commands idempotent across restarts. */
export interface IdempotencyStore {
  /** What is kept under a key. `now` is the bus's clock in epoch milliseconds. */
  get(key: string, now: number): StoredOutcome | undefined | Promise<StoredOutcome | undefined>
  /** Keeps an outcome until `expires` (epoch milliseconds). */
  set(key: string, outcome: StoredOutcome, expires: number): void | Promise<void>
}

/**
 * Keeps outcomes in this process, as they are, so nobody should change them. Of more than `capacity` the oldest leave.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function memoryOutcomes({ capacity = 10_000 }: { capacity?: number } = {}): IdempotencyStore {
  checkWholeNumber('idempotency', 'capacity', capacity)
  const outcomes = new Map<string, { outcome: StoredOutcome; expires: number }>()
  return {
    get(key, now) {
      const kept = outcomes.get(key)
      if (kept && kept.expires > now) return kept.outcome
      outcomes.delete(key)
      return undefined
    },
    set(key, outcome, expires) {
      // To the end, where the youngest are.
      outcomes.delete(key)
      outcomes.set(key, { outcome, expires })
      const [oldest] = outcomes.keys()
      if (outcomes.size > capacity && oldest !== undefined) outcomes.delete(oldest)
    },
  }
}
