import { Cancellation, GRACE_MS } from './cancellation.ts'
import type { MessageScope } from './message-scope.ts'
import { milliseconds } from './milliseconds.ts'
import type { Unsubscribe } from './unsubscribe.ts'

/** Limits of a part of some work. */
export interface Limits {
  /** Milliseconds until it is cancelled with `TIMED_OUT`. */
  timeout?: number | undefined
  /** Cancels it. */
  signal?: AbortSignal | undefined
}

/**
 * Runs work under limits of its own. When they are reached its signal is aborted, and it is given up: at once if
 * nobody looked at the signal, else after a grace period of one second, because somebody may be cleaning up.
 */
export function limited(
  scope: MessageScope,
  { timeout, signal }: Limits,
  what: string,
  run: (scope: MessageScope) => unknown,
): Promise<unknown> {
  const { environment } = scope
  const own = new Cancellation({
    parent: scope.cancellation,
    signal,
    timeout: timeout === undefined ? undefined : { ms: milliseconds('timeout', timeout), what, environment },
  })
  let grace: Unsubscribe | undefined
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      scope.giveUpBelow(own)
      reject(own.reason)
    }
    own.onCancel(() => {
      if (own.seen) grace = environment.after(GRACE_MS, giveUp)
      else giveUp()
    })
    if (own.reason) return
    // In the executor, so that what it throws at once rejects like what it throws later. Not `resolve(promise)`: that
    // would bind the outcome to the work, and giving it up would do nothing.
    Promise.resolve(run(scope.under(own))).then(resolve, reject)
  }).finally(() => {
    grace?.()
    own[Symbol.dispose]()
  })
}
