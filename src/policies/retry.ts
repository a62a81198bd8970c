import type { Middleware } from '../bus/middleware.ts'
import { retryIn, retryPlan, type RetryOptions } from '../bus/retry.ts'
import { failureOf } from '../messages/failure.ts'
import { AttemptFailed } from '../messages/policies.ts'
import { announce } from './announce.ts'
import { cancelReason } from './cancel-reason.ts'
import { isFutile } from './futile.ts'
import { isReport } from './is-report.ts'
import { tellingWhen } from './telling-when.ts'
import { sleep } from './wait.ts'

/**
 * Runs what is inside again after it has failed: waits as long as the failure asks (`data.retryAfter`, ms), else
 * exponentially with full jitter. Each attempt that another follows is a `bus.attemptFailed`; the last failure is the
 * outcome. Not after a cancel, not past the deadline, and never for what another attempt can't change (`CANCELLED`,
 * `VALIDATION_FAILED`, `NO_HANDLER`, `APPROVAL_DENIED`, …), whatever `when` says. When `when` throws, it fails with
 * `HANDLER_FAILED`, its own failure as `cause`.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function retry(options: RetryOptions = {}): Middleware {
  const checked = retryPlan(options)
  const plan = { ...checked, when: tellingWhen('retry', checked.when) }
  return async function retry(message, next, scope) {
    if (isReport(message)) return next()
    for (let attempt = 1; ; attempt++) {
      try {
        return await next()
      } catch (error) {
        if (isFutile(error) || cancelReason(scope) !== undefined) throw error
        const wait = retryIn(plan, attempt, error, () => scope.random())
        if (wait === undefined) throw error
        if (scope.deadline !== undefined && scope.now() + wait >= scope.deadline) throw error
        const { id, type } = message
        announce(scope, AttemptFailed, {
          message: { id, type },
          attempt,
          retryIn: wait,
          error: failureOf(error),
        })
        await sleep(scope, wait)
      }
    }
  }
}
