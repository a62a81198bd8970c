import { BuslineError } from '../messages/busline-error.ts'

/** The same error with these fields in its data; itself where there are none. */
export function withData(error: BuslineError, told: Record<string, unknown>): BuslineError {
  if (Object.keys(told).length === 0) return error
  return new BuslineError(error.code, error.message, {
    data: { ...error.data, ...told },
    ...(error.cause !== undefined && { cause: error.cause }),
  })
}
