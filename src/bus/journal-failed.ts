import { BuslineError } from '../messages/busline-error.ts'

/** What a journal threw, as `JOURNAL_FAILED`; one that tells so by itself stays. */
export function journalFailed(error: unknown): BuslineError {
  if (error instanceof BuslineError) return error
  const why = error instanceof Error ? error.message : String(error)
  return new BuslineError('JOURNAL_FAILED', `The journal can't be written: ${why}`, { cause: error })
}
