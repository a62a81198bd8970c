import type { Middleware } from '../bus/middleware.ts'
import { checkMilliseconds } from './check-option.ts'

/**
 * Gives what is inside so many milliseconds; then its signal is aborted and it fails with `TIMED_OUT`, at once or,
 * if anybody looked at the signal, after a second to clean up. Inside of `retry` it limits each attempt, outside all.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function timeout(ms: number): Middleware {
  checkMilliseconds('timeout', 'ms', ms)
  return function timeout(_, next) {
    return next({ timeout: ms })
  }
}
