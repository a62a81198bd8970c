import { BuslineError } from './busline-error.ts'

/** Whether a failure may pass, so that another attempt is worth it. */
export function isTransient(error: unknown): error is BuslineError {
  if (!(error instanceof BuslineError)) return false
  const { status, code } = error.data
  if (error.code === 'RATE_LIMITED') return code !== 'insufficient_quota'
  if (error.code === 'ANSWER_CUT') return true
  return typeof status === 'number' && [408, 500, 502, 503, 504, 529].includes(status)
}
