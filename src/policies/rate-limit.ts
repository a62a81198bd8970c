import { isThenable } from '../bus/is-thenable.ts'
import type { Middleware, MiddlewareMessage } from '../bus/middleware.ts'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { refuseCancelled } from './cancel-reason.ts'
import { checkMilliseconds, checkWholeNumber, invalidOption } from './check-option.ts'
import { Permits } from './permits.ts'
import { memoryRateLimits, type RateLimitStore, type TokenBucket } from './rate-limit-store.ts'
import { routeOf, type KeyOf } from './route-of.ts'
import { sleep } from './wait.ts'

export interface RateLimitOptions {
  /** How many tokens come … */
  limit: number
  /** … in so many milliseconds. */
  per: number
  /** How many tokens can gather (default: `limit`). With 1, no window of `per` sees more than `limit` begin. */
  burst?: number
  /** How many tokens a message takes (default 1). */
  cost?: (message: MiddlewareMessage) => number
  /** What shares a bucket (default: the route, see {@link KeyOf}). */
  key?: KeyOf
  /** How many may wait, per key (default 1000). One more, with 0 each that would wait, fails with `RATE_LIMITED`. */
  queue?: number
  /** Default: buckets of this limit's own, in this process. */
  store?: RateLimitStore
}

/** Those that wait for tokens of one key. The first of them has the turn and asks the store. */
interface Line {
  readonly turns: Permits
  /** How long the first one sleeps, and since when. */
  wait: number
  since: number
}

/**
 * A token bucket: in any time t at most `burst + t * limit / per` tokens' worth begins. Who finds too few tokens waits,
 * in order; who finds no room to wait fails with `RATE_LIMITED` and `data.retryAfter`, the milliseconds after which it
 * may be worth another try. While a store answers slowly, those that wait for its answer count as waiting too.
 *
 * @throws BuslineError `INVALID_OPTION`, also for a message that costs more than a full bucket holds
 */
export function rateLimit({
  limit,
  per,
  burst = limit,
  cost = () => 1,
  key,
  queue = 1000,
  store = memoryRateLimits(),
}: RateLimitOptions): Middleware {
  checkWholeNumber('rateLimit', 'limit', limit)
  checkMilliseconds('rateLimit', 'per', per)
  checkWholeNumber('rateLimit', 'burst', burst)
  checkWholeNumber('rateLimit', 'queue', queue, 0)
  const bucket: TokenBucket = { limit, per, burst }
  // Only keys for which somebody waits are in it.
  const lines = new Map<string, Line>()
  return async function rateLimit(message, next, scope) {
    const name = routeOf(message, scope, key)
    const price = cost(message)
    if (!(Number.isFinite(price) && price >= 0 && price <= burst))
      throw invalidOption('rateLimit', 'cost', `from 0 to the burst of ${burst} for ${message.type}`, price)
    const take = (): number | Promise<number> => store.take(name, price, bucket, scope.now())
    if (queue > 0) await inLine({ lines, name, queue, scope, take })
    else await atOnce(name, take)
    return next()
  }
}

async function atOnce(key: string, take: () => number | Promise<number>): Promise<void> {
  const wait = await take()
  if (wait > 0) throw rateLimited(key, wait)
}

async function inLine(parts: {
  lines: Map<string, Line>
  name: string
  queue: number
  scope: Scope
  take: () => number | Promise<number>
}): Promise<void> {
  const { lines, name, queue, scope, take } = parts
  // Whoever has the turn waits as well.
  const line = lines.get(name) ?? { turns: new Permits(1, queue - 1), wait: 0, since: scope.now() }
  lines.set(name, line)
  const { turns } = line
  if (!turns.isFree && turns.isFull) throw rateLimited(name, timeLeft(line, scope.now()))
  const turn = turns.isFree ? turns.take(scope) : await turns.wait(scope)
  try {
    for (;;) {
      refuseCancelled(scope)
      const answer = take()
      // Not awaited when it is there already: else everybody who comes in the same moment would have to queue.
      const wait = isThenable(answer) ? await answer : answer
      if (wait <= 0) return refuseCancelled(scope)
      line.wait = wait
      line.since = scope.now()
      await sleep(scope, wait)
    }
  } finally {
    turns.giveBack(turn)
    if (turns.isIdle) lines.delete(name)
  }
}

/** When the first one goes on, at the latest: a clock that was set back makes it no later. */
function timeLeft(line: Line, now: number): number {
  line.since = Math.min(line.since, now)
  return Math.max(1, line.since + line.wait - now)
}

function rateLimited(key: string, retryAfter: number): BuslineError {
  return new BuslineError(
    'RATE_LIMITED',
    `The rate limit of ${key} is reached. Try again in ${retryAfter} ms, or allow a longer queue.`,
    { data: { key, retryAfter } },
  )
}
