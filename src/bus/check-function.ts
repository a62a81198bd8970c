import { BuslineError } from '../messages/busline-error.ts'

/**
 * Refuses what can't be called where JavaScript hands it in, because it would fail at the first message instead.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function checkFunction(what: string, value: unknown): void {
  if (typeof value === 'function') return
  throw new BuslineError('INVALID_OPTION', `${what} must be a function, not ${typeof value}.`, {
    data: { option: what },
  })
}
