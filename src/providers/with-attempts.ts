import { setTimeout as delay } from 'node:timers/promises'
import { BuslineError } from '../messages/busline-error.ts'
import { isLostConnection } from './network-error.ts'
import { isOutOfQuota } from './provider-error.ts'

const FIRST_MS = 500
const LONGEST_MS = 8000
const LONGEST_ASKED_MS = 60_000

export interface AttemptOptions {
  maxAttempts: number
  random: () => number
  /** Ends the wait between two attempts, which then rejects with what `node:timers` throws. */
  signal: AbortSignal
  /** Asked after each failure: what has been heard can't be taken back, so the call must not begin anew. */
  isUnheard: () => boolean
  onFailed: (failed: { attempt: number; retryIn: number; error: BuslineError }) => void
}

/**
 * Calls `attempt` up to `maxAttempts` times. Another attempt follows a rate limit, a 503 and a lost connection,
 * after as long as the server asks (it is given up above a minute), else after a random part of 500, 1000, … at
 * most 8000 ms.
 */
export async function withAttempts<T>(attempt: () => Promise<T>, options: AttemptOptions): Promise<T> {
  const { maxAttempts, random, signal, isUnheard, onFailed } = options
  for (let count = 1; ; count++) {
    try {
      return await attempt()
    } catch (error) {
      if (count >= maxAttempts || signal.aborted || !isTransient(error) || !isUnheard()) throw error
      const asked = error.data['retryAfter']
      const retryIn =
        typeof asked === 'number' ? asked : random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** (count - 1))
      if (retryIn > LONGEST_ASKED_MS) throw error

      onFailed({ attempt: count, retryIn, error })
      await delay(retryIn, undefined, { signal })
    }
  }
}

function isTransient(error: unknown): error is BuslineError {
  if (!(error instanceof BuslineError)) return false
  if (error.code === 'RATE_LIMITED') return !isOutOfQuota(error.data)
  return (
    error.code === 'MODEL_UNAVAILABLE' &&
    (error.data['status'] === 503 || isLostConnection(error.data['code']))
  )
}
