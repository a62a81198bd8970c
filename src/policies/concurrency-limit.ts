import type { Middleware } from '../bus/middleware.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { refuseCancelled } from './cancel-reason.ts'
import { checkWholeNumber } from './check-option.ts'
import { Permits, type Permit } from './permits.ts'
import { routeOf, type KeyOf } from './route-of.ts'

export interface ConcurrencyLimitOptions {
  /** What shares the limit (default: the route, see {@link KeyOf}). */
  key?: KeyOf
  /** How many may wait, per key (default 1000); one more fails with `QUEUE_FULL`. */
  queue?: number
}

/**
 * Lets at most `limit` run at once; the others wait in order, and leave when they are cancelled. A permit is held until
 * the work has really ended, also by a handler that was given up because it did not heed its signal: put a `timeout`
 * inside to bound that.
 *
 * What runs inside of a holder takes a permit of its own. If it waited, and every holder then waited for somebody in
 * the queue, nobody would ever go on; the one with which that would come about fails with `SELF_WAIT`. (A command that
 * was executed and not awaited counts as awaited.) A circle through several limits or keys is not seen.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function concurrencyLimit(
  limit: number,
  { key, queue = 1000 }: ConcurrencyLimitOptions = {},
): Middleware {
  checkWholeNumber('concurrencyLimit', 'limit', limit)
  checkWholeNumber('concurrencyLimit', 'queue', queue, 0)
  // Only keys with running work are in it, so it needs no bound of its own.
  const byKey = new Map<string, Permits>()
  return async function concurrencyLimit(message, next, scope) {
    const name = routeOf(message, scope, key)
    const permits = byKey.get(name) ?? new Permits(limit, queue)
    byKey.set(name, permits)
    const permit = permits.isFree ? permits.take(scope) : await queued(permits, name, scope)
    try {
      refuseCancelled(scope)
      return await next()
    } finally {
      permits.giveBack(permit)
      if (permits.isIdle) byKey.delete(name)
    }
  }
}

function queued(permits: Permits, key: string, scope: Scope): Promise<Permit> {
  if (permits.isHopeless(scope))
    throw new BuslineError(
      'SELF_WAIT',
      `${scope.message.type} (${scope.message.id}) would wait for ever: every permit of ${key} is held by work that waits for this. Allow more at once, or take the inner call out of the limit.`,
      { data: { key } },
    )
  if (permits.isFull)
    throw new BuslineError(
      'QUEUE_FULL',
      `Too many wait for ${key} already. Call less, or allow a longer queue.`,
      { data: { key } },
    )
  return permits.wait(scope)
}
