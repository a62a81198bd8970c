import { BuslineError } from '../messages/busline-error.ts'

export interface SessionOptions {
  /**
   * Milliseconds after which a session that nobody touched (opened, appended, committed, updated, edited) is gone: it
   * is not listed, opening its id begins a new one, and what was kept of it is removed (default: never).
   */
  ttl?: number
}

/**
 * Returns the options as they were given.
 *
 * @throws BuslineError `INVALID_OPTION` for a `ttl` that is not a number above 0
 */
export function checkSessionOptions(options: SessionOptions): SessionOptions {
  const { ttl } = options
  if (ttl === undefined || (typeof ttl === 'number' && ttl > 0)) return options
  throw new BuslineError(
    'INVALID_OPTION',
    `ttl must be a number of milliseconds above 0, not ${String(ttl)}. Leave it out to keep sessions for ever.`,
    { data: { option: 'ttl' } },
  )
}
