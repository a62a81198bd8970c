import { Cancellation } from '../bus/cancellation.ts'
import { MessageScope } from '../bus/message-scope.ts'
import { onAbort } from '../bus/on-abort.ts'
import type { Scope } from '../bus/scope.ts'

/**
 * Runs something as soon as the work of a scope is cancelled, at once if it is already; returns how to prevent it. Does
 * not read `scope.signal`, for the reason that `cancelReason` gives.
 */
export function onCancel(scope: Scope, run: (reason: unknown) => void): () => void {
  if (!(scope instanceof MessageScope)) {
    const { signal } = scope
    return onAbort(signal, () => run(signal.reason))
  }
  // A node has room for one listener, and that of the scope belongs to the bus: hence one below it.
  const node = new Cancellation({ parent: scope.cancellation })
  node.onCancel(() => run(node.reason))
  return () => node[Symbol.dispose]()
}
