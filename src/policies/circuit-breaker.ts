import { attempt } from '../bus/attempt.ts'
import type { Middleware } from '../bus/middleware.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { CircuitClosed, CircuitHalfOpened, CircuitOpened } from '../messages/policies.ts'
import { announce } from './announce.ts'
import { cancelReason } from './cancel-reason.ts'
import { checkMilliseconds, checkWholeNumber } from './check-option.ts'
import { Circuit, type CallEnd, type CircuitPlan } from './circuit.ts'
import { isFutile } from './futile.ts'
import { isReport } from './is-report.ts'
import { RecentlyUsed } from './recently-used.ts'
import { routeOf, type KeyOf } from './route-of.ts'
import { tellingWhen } from './telling-when.ts'

export interface CircuitBreakerOptions {
  /** How many calls have to fail before it opens (default 5). */
  failures?: number
  /** Milliseconds within which they have to (default 60 000). */
  window?: number
  /** Milliseconds for which it stays open (default 30 000). */
  cooldown?: number
  /** How many calls then probe at once, and have to succeed for it to close (default 1). */
  probes?: number
  /** What shares a circuit (default: the route, see {@link KeyOf}). */
  key?: KeyOf
  /** Which failures count (default: all). One that does not counts as a success: somebody answered. */
  when?: (error: unknown) => boolean
}

/**
 * Stops calling what keeps failing. Refused calls fail with `CIRCUIT_OPEN` and `data.retryAfter` in milliseconds, which
 * a `retry` around it waits for. Changes are events: `bus.circuitOpened`, `bus.circuitHalfOpened`, `bus.circuitClosed`.
 *
 * A timeout counts as a failure; a cancel by the caller, and what was refused before the work began, as neither. There
 * is one circuit for each of the last 10 000 keys; of more, the least recently used idle closed ones leave first. When
 * `when` throws, the call has failed too, and fails with `HANDLER_FAILED`, its own failure as `cause`.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function circuitBreaker({
  key,
  when = () => true,
  ...options
}: CircuitBreakerOptions = {}): Middleware {
  const plan = circuitPlan(options)
  const counts = tellingWhen('circuitBreaker', when)
  const circuits = new RecentlyUsed<Circuit>()
  return async function circuitBreaker(message, next, scope) {
    if (isReport(message)) return next()
    const name = routeOf(message, scope, key)
    const circuit = circuits.get(
      name,
      () => new Circuit(plan),
      ({ isIdle }) => isIdle,
    )
    const announcing = <T>(step: () => T): T => {
      const { state } = circuit
      const result = step()
      if (circuit.state !== state) announceState(scope, name, circuit, plan)
      return result
    }

    const entered = announcing(() => circuit.enter(scope.now()))
    if (typeof entered === 'number') throw circuitOpen(name, entered)
    const leave = (end: CallEnd): void => announcing(() => circuit.leave(entered, end, scope.now()))
    let result: unknown
    try {
      // Limits, though none: so it learns of a timeout also when the handler takes no notice.
      result = await next({})
    } catch (error) {
      const end = attempt(() => endOf(error, scope, counts))
      leave(end.ok ? end.value : 'failed')
      throw end.ok ? error : end.error
    }
    leave('succeeded')
    return result
  }
}

function circuitPlan({
  failures = 5,
  window = 60_000,
  cooldown = 30_000,
  probes = 1,
}: Partial<CircuitPlan>): CircuitPlan {
  checkWholeNumber('circuitBreaker', 'failures', failures)
  checkMilliseconds('circuitBreaker', 'window', window)
  checkMilliseconds('circuitBreaker', 'cooldown', cooldown)
  checkWholeNumber('circuitBreaker', 'probes', probes)
  return { failures, window, cooldown, probes }
}

function announceState(scope: Scope, key: string, { state, failures }: Circuit, plan: CircuitPlan): void {
  if (state === 'open') announce(scope, CircuitOpened, { key, failures, cooldown: plan.cooldown })
  else announce(scope, state === 'closed' ? CircuitClosed : CircuitHalfOpened, { key })
}

function endOf(error: unknown, scope: Scope, counts: (error: unknown) => boolean): CallEnd {
  const reason = cancelReason(scope)
  const isTimeout = reason instanceof BuslineError && reason.code === 'TIMED_OUT'
  if (isFutile(error) || (reason !== undefined && !isTimeout)) return 'withdrawn'
  return counts(error) ? 'failed' : 'succeeded'
}

function circuitOpen(key: string, retryAfter: number): BuslineError {
  return new BuslineError(
    'CIRCUIT_OPEN',
    `The circuit of ${key} is open, because too many calls failed. It may let one through in ${retryAfter} ms.`,
    { data: { key, retryAfter } },
  )
}
