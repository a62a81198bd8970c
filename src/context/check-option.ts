import * as z from 'zod'
import { BuslineError } from '../messages/busline-error.ts'
import { optionFault } from '../messages/option-fault.ts'

/** Refuses what is no whole number of at least `least` with `INVALID_OPTION`. */
export function checkWholeNumber(option: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw invalidOption(option, `a whole number of at least ${least}`, value)
}

/** Refuses what is no share of a whole, more than 0 and at most 1, with `INVALID_OPTION`. */
export function checkShare(option: string, value: number): void {
  if (value > 0 && value <= 1) return
  throw invalidOption(option, 'more than 0 and at most 1', value)
}

/** A function, where JavaScript hands something in. */
export const callable = z.custom((value) => typeof value === 'function', 'expected a function')

/** Refuses options that do not fit their schema, names that it does not know included, with `INVALID_OPTION`. */
export function checkOptions(of: string, schema: z.ZodType, options: unknown): void {
  const fault = optionFault(schema, options)
  if (!fault) return
  const option = fault.field === '' ? of : `${of}.${fault.field}`
  throw new BuslineError('INVALID_OPTION', `${option}: ${fault.why}.`, { data: { option } })
}

export function invalidOption(option: string, must: string, is: unknown): BuslineError {
  const shown = typeof is === 'string' ? JSON.stringify(is) : String(is)
  return new BuslineError('INVALID_OPTION', `${option} must be ${must}, not ${shown}.`, { data: { option } })
}
