import { BuslineError } from '../messages/busline-error.ts'

/** Refuses what is no whole number from `least` on with `INVALID_OPTION`, naming the option. */
export function checkWholeNumber(option: string, value: number, least = 1): void {
  if (Number.isInteger(value) && value >= least) return
  throw invalidOption(option, `a whole number of at least ${least}`, value)
}

/** Refuses what is no length of time; one without an end is none. */
export function checkTimeLimit(option: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return
  throw invalidOption(option, 'more than 0 milliseconds', value)
}

/** Refuses what is none of these. */
export function checkOneOf(option: string, value: string, all: readonly string[]): void {
  if (all.includes(value)) return
  throw invalidOption(option, `one of ${all.join(', ')}`, value)
}

export function invalidOption(option: string, must: string, is: unknown): BuslineError {
  const shown = typeof is === 'string' ? JSON.stringify(is) : String(is)
  return new BuslineError('INVALID_OPTION', `${option} must be ${must}, not ${shown}.`, { data: { option } })
}
