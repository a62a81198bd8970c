import { MessageScope } from '../bus/message-scope.ts'
import type { Scope } from '../bus/scope.ts'

/**
 * Why the work of a scope was cancelled; undefined while it wasn't. Reading `scope.signal` would tell too, but the bus
 * takes that for somebody who cleans up after a cancel, and then waits a second for a handler that never looked.
 */
export function cancelReason(scope: Scope): unknown {
  if (scope instanceof MessageScope) return scope.cancellation.reason
  return scope.signal.aborted ? scope.signal.reason : undefined
}

/** For after a wait: a command that was given up meanwhile has its outcome, so nothing of it may begin any more. */
export function refuseCancelled(scope: Scope): void {
  const reason = cancelReason(scope)
  if (reason !== undefined) throw reason
}
