import { BuslineError } from '../messages/busline-error.ts'
import type { Environment } from './environment.ts'

/** A limit for work that can't be cancelled. */
export interface TimeLimit {
  /** Rejects with `TIMED_OUT` when the time is up. */
  readonly passed: Promise<never>
  /** Takes the timer back. */
  readonly end: () => void
}

/** Begins a limit of so many milliseconds; `what` says of what, for the error. */
export function timeLimit({ after }: Pick<Environment, 'after'>, ms: number, what: string): TimeLimit {
  let end = (): void => undefined
  const passed = new Promise<never>((_, reject) => {
    end = after(ms, () =>
      reject(
        new BuslineError('TIMED_OUT', `${what} had not ended within ${ms} ms.`, { data: { timeout: ms } }),
      ),
    )
  })
  // Whoever races against it may have stopped looking.
  passed.catch(() => undefined)
  return { passed, end }
}
