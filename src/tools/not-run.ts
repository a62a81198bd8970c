import { BuslineError } from '../messages/busline-error.ts'

/**
 * The error of a call that never began, with `data.ran: false`: whoever reads it knows that nothing took effect. What was
 * thrown by somebody else's code is left as it is.
 */
export function notRun(error: unknown): unknown {
  if (!(error instanceof BuslineError) || error.data['ran'] === false) return error
  return new BuslineError(error.code, error.message, {
    data: { ...error.data, ran: false },
    ...(error.cause !== undefined && { cause: error.cause }),
  })
}
