import { BuslineError } from '../messages/busline-error.ts'

/**
 * The error of a call whose signal was aborted: its reason where that is a coded one, else `CANCELLED`. `told` is what had
 * arrived before, which comes into its data.
 */
export function cancelledError(reason: unknown, told: Record<string, unknown> = {}): BuslineError {
  const known =
    reason instanceof BuslineError
      ? reason
      : new BuslineError('CANCELLED', 'The model call was cancelled.', { cause: reason })
  if (Object.keys(told).length === 0) return known
  return new BuslineError(known.code, known.message, { data: { ...known.data, ...told }, cause: reason })
}
