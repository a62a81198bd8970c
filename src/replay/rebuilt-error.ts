import { BuslineError, type ErrorCode } from '../messages/busline-error.ts'
import { Failure } from '../messages/failure.ts'

/** An error that was recorded, as it was thrown: recorded again it is the same. */
export function rebuiltError(recorded: unknown): unknown {
  const failure = Failure.safeParse(recorded)
  if (!failure.success) return recorded
  const { code, name, message, data, cause } = failure.data
  const options = cause === undefined ? {} : { cause: rebuiltError(cause) }
  if (name === 'BuslineError') {
    const fields = typeof data === 'object' && data !== null ? { data: { ...data } } : {}
    // Safe: a record's code is what a BuslineError had; one of a later version is handed on as it is.
    // oxlint-disable-next-line typescript/consistent-type-assertions
    return new BuslineError(code as ErrorCode, message, { ...fields, ...options })
  }
  // What was thrown was no error, but a text or another value.
  if (/^[a-z]+$/.test(name)) return message
  const error = new Error(message, options)
  error.name = name
  return code === 'HANDLER_FAILED' ? error : Object.assign(error, { code })
}
