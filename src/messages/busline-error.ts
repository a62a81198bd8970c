/**
 * Every code that Busline throws or records itself. Closed: adding one is a change of contract, and
 * `docs/errors.md` tells what each means and what to do.
 */
export type ErrorCode =
  // the bus
  | 'ABANDONED'
  | 'BUS_STOPPED'
  | 'CANCELLED'
  | 'DUPLICATE_HANDLER'
  | 'DUPLICATE_TYPE'
  | 'FILTERED'
  | 'HANDLER_FAILED'
  | 'INVALID_OPTION'
  | 'INVALID_OUTPUT'
  | 'LETTER_NOT_FOUND'
  | 'MAILBOX_FULL'
  | 'NO_HANDLER'
  | 'NO_SUBSCRIBER'
  | 'NOT_A_COMMAND'
  | 'NOT_AN_EVENT'
  | 'NOT_JSON'
  | 'PARKED'
  | 'SCOPE_DISPOSED'
  | 'SELF_WAIT'
  | 'TIMED_OUT'
  | 'TOO_DEEP'
  | 'VALIDATION_FAILED'
  // tests
  | 'FAULT_INJECTED'
  | 'SIMULATION_FAILED'
  // the journal and other files
  | 'JOURNAL_DAMAGED'
  | 'JOURNAL_FAILED'
  | 'JOURNAL_IN_USE'
  | 'FILE_FAILED'
  | 'BLOB_MISSING'
  | 'EXPORT_FAILED'
  | 'RECORD_FROM_FUTURE'
  // runs: reading, replay, fork
  | 'INVALID_FILTER'
  | 'MESSAGE_NOT_IN_RUN'
  | 'REPLAY_DIVERGED'
  | 'REPLAY_GUARD'
  | 'RUN_NOT_FOUND'
  | 'WHAT_IF_STOPPED'
  // sessions
  | 'INVALID_QUERY'
  | 'INVALID_SESSION_ID'
  | 'MESSAGE_NOT_FOUND'
  | 'SESSION_DAMAGED'
  | 'SESSION_FROM_FUTURE'
  | 'SESSION_IN_USE'
  | 'SESSION_NOT_FOUND'
  | 'SESSION_NOT_OPEN'
  | 'VERSION_CONFLICT'
  // turns
  | 'INTERRUPTED'
  | 'OUTPUT_INVALID'
  | 'SESSION_BUSY'
  // tools
  | 'INVALID_ARGUMENTS'
  | 'INVALID_TOOL'
  | 'OUTCOME_UNKNOWN'
  | 'TOOL_UNAVAILABLE'
  | 'UNKNOWN_TOOL'
  // models
  | 'ANSWER_CUT'
  | 'AUTHENTICATION_FAILED'
  | 'BUDGET_EXCEEDED'
  | 'INVALID_REQUEST'
  | 'MODEL_UNAVAILABLE'
  | 'PERMISSION_DENIED'
  | 'PRICE_UNKNOWN'
  | 'PROVIDER_FAILED'
  | 'RATE_LIMITED'
  // policies
  | 'APPROVAL_DENIED'
  | 'APPROVAL_EXPIRED'
  | 'APPROVAL_NOT_FOUND'
  | 'CIRCUIT_OPEN'
  | 'IDEMPOTENCY_CONFLICT'
  | 'QUEUE_FULL'

/** What all copies of this module know their errors by. */
const BRAND = Symbol.for('busline.BuslineError')

/**
 * The one error class of Busline: a stable `code` to match on, prose for people, fields for programs. `instanceof` also knows
 * one of another copy of this package, as a program has whose app and tools are loaded apart.
 */
export class BuslineError extends Error {
  static {
    Object.defineProperty(this.prototype, BRAND, { value: true })
  }

  static override [Symbol.hasInstance](value: unknown): value is BuslineError {
    if (this !== BuslineError) return Function.prototype[Symbol.hasInstance].call(this, value)
    return typeof value === 'object' && value !== null && BRAND in value
  }

  override readonly name = 'BuslineError'
  readonly code: ErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    options: { data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.data = options.data ?? {}
  }
}
