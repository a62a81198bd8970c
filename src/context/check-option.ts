import { BuslineError } from '../messages/busline-error.ts'

/** Refuses what is no whole number of at least `least` with `INVALID_OPTION`. */
export function checkWholeNumber(option: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return
  throw invalidOption(option, `a whole number of at least ${least}`, value)
}

/** Refuses what is no share of a whole, more than 0 and at most 1, with `INVALID_OPTION`. */
export function checkShare(option: string, value: number): void {
  if (value > 0 && value <= 1) return
  throw invalidOption(option, 'more than 0 and at most 1', value)
}

export function invalidOption(option: string, must: string, is: unknown): BuslineError {
  const shown = typeof is === 'string' ? JSON.stringify(is) : String(is)
  return new BuslineError('INVALID_OPTION', `${option} must be ${must}, not ${shown}.`, { data: { option } })
}
