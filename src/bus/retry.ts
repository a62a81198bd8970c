import { BuslineError } from '../messages/busline-error.ts'

/** When and how often something that failed is tried again. */
export interface RetryOptions {
  /** How often it runs at most, the first time included (default 3). */
  attempts?: number
  /** The longest first wait in milliseconds (default 100). Each later one may be twice as long as the one before. */
  delay?: number
  /** The longest wait of all in milliseconds (default 30 000). What asks for a longer one is not tried again. */
  maxDelay?: number
  /** Which failures are worth another attempt (default: all). `attempt` counts from 1. */
  when?: (error: unknown, attempt: number) => boolean
}

export interface RetryPlan {
  readonly attempts: number
  readonly delay: number
  readonly maxDelay: number
  readonly when: (error: unknown, attempt: number) => boolean
}

/** The options with their defaults, checked. */
export function retryPlan({
  attempts = 3,
  delay = 100,
  maxDelay = 30_000,
  when = () => true,
}: RetryOptions): RetryPlan {
  if (!Number.isInteger(attempts) || attempts < 1)
    throw invalid('attempts', 'a whole number of at least 1', attempts)
  if (!Number.isFinite(delay) || delay < 0) throw invalid('delay', '0 or more milliseconds', delay)
  if (typeof maxDelay !== 'number' || !(maxDelay >= 0))
    throw invalid('maxDelay', '0 or more milliseconds', maxDelay)
  return { attempts, delay, maxDelay, when }
}

/**
 * Milliseconds to wait after attempt number `attempt` has failed; undefined when there is to be no other.
 *
 * As long as the failure asks (`data.retryAfter` in milliseconds), else exponential with full jitter: a random part of
 * `delay * 2 ** (attempt - 1)`, which spreads the callers that failed together
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function retryIn(
  plan: RetryPlan,
  attempt: number,
  error: unknown,
  random: () => number,
): number | undefined {
  if (attempt >= plan.attempts || !plan.when(error, attempt)) return undefined
  const asked = error instanceof BuslineError ? error.data['retryAfter'] : undefined
  if (typeof asked === 'number' && asked >= 0) return asked > plan.maxDelay ? undefined : asked
  return random() * Math.min(plan.maxDelay, plan.delay * 2 ** Math.min(attempt - 1, 60))
}

function invalid(option: string, must: string, is: number): BuslineError {
  return new BuslineError('INVALID_OPTION', `retry.${option} must be ${must}, not ${is}.`, {
    data: { option },
  })
}
