import { Cancellation } from '../bus/cancellation.ts'
import { MessageScope } from '../bus/message-scope.ts'
import { onAbort } from '../bus/on-abort.ts'
import type { Scope } from '../bus/scope.ts'

/**
 * Runs something as soon as the work of a scope is cancelled, at once if it is already; returns how to prevent it. Does not
 * read `scope.signal`: the bus takes that for somebody who cleans up, and waits a second for a tool that never looks.
 */
export function onCancel(scope: Scope, run: (reason: unknown) => void): () => void {
  if (!(scope instanceof MessageScope)) {
    const { signal } = scope
    return onAbort(signal, () => run(signal.reason))
  }
  const node = new Cancellation({ parent: scope.cancellation })
  node.onCancel(() => run(node.reason))
  return () => node[Symbol.dispose]()
}

/**
 * Says that work rejects by itself as soon as it is cancelled, and tells more than the reason: else the bus gives it up at
 * once, and whoever waits for it gets the bare reason.
 */
export function tellsItsEnd(scope: Scope): void {
  void scope.signal
}

/** For after a wait: throws the reason where the work was cancelled, so that nothing of it begins any more. */
export function refuseCancelled(scope: Scope): void {
  const reason = scope instanceof MessageScope ? scope.cancellation.reason : scope.signal.reason
  if (reason !== undefined) throw reason
}
