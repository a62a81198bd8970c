import { BuslineError } from '../messages/busline-error.ts'

/**
 * Returns a length of time as it was given, one below 0 as 0: what is left until a deadline that has passed.
 *
 * @throws BuslineError `INVALID_OPTION` for what is no number
 */
export function milliseconds(option: string, value: number): number {
  if (typeof value === 'number' && !Number.isNaN(value)) return Math.max(0, value)
  throw new BuslineError(
    'INVALID_OPTION',
    `${option} must be a number of milliseconds, not ${String(value)}.`,
    {
      data: { option },
    },
  )
}
