import { BuslineError, type ErrorCode } from '../messages/busline-error.ts'

/** Ended by whoever asked for it, or with the bus. */
const ENDED: readonly ErrorCode[] = ['ABANDONED', 'BUS_STOPPED', 'CANCELLED']

/** Refused before the work began, for a reason that is still there a moment later. */
const REFUSED: readonly ErrorCode[] = [
  'APPROVAL_DENIED',
  'APPROVAL_EXPIRED',
  'FILTERED',
  'IDEMPOTENCY_CONFLICT',
  'INVALID_OPTION',
  'NO_HANDLER',
  'SELF_WAIT',
  'TOO_DEEP',
  'VALIDATION_FAILED',
]

const FUTILE: ReadonlySet<ErrorCode> = new Set([...ENDED, ...REFUSED])

/**
 * Whether another attempt can't change a failure, which then says nothing about whoever does the work either: never
 * retried, never counted against a circuit.
 */
export function isFutile(error: unknown): boolean {
  return error instanceof BuslineError && FUTILE.has(error.code)
}
