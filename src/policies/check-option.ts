import { BuslineError } from '../messages/busline-error.ts'

/** Refuses what is no whole number of at least `least` with `INVALID_OPTION`, naming the policy and its option. */
export function checkWholeNumber(policy: string, option: string, value: number, least = 1): void {
  if (Number.isInteger(value) && value >= least) return
  throw invalidOption(policy, option, `a whole number of at least ${least}`, value)
}

/** Refuses what is no length of time; one without an end is none. */
export function checkMilliseconds(policy: string, option: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return
  throw invalidOption(policy, option, 'more than 0 milliseconds', value)
}

export function invalidOption(policy: string, option: string, must: string, is: unknown): BuslineError {
  // A text that looks like the number that it should be must not be told like one.
  const shown = typeof is === 'string' ? JSON.stringify(is) : String(is)
  return new BuslineError('INVALID_OPTION', `${policy}.${option} must be ${must}, not ${shown}.`, {
    data: { option },
  })
}
