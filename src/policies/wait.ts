import { MessageScope } from '../bus/message-scope.ts'
import { milliseconds } from '../bus/milliseconds.ts'
import type { Scope } from '../bus/scope.ts'
import { refuseCancelled } from './cancel-reason.ts'
import { onCancel } from './on-cancel.ts'

/**
 * Waits for what `begin` hands to `serve`, later; rejects with the reason as soon as the work of the scope is cancelled.
 * What `begin` returns runs when the wait ends, either way and before anybody learns of it.
 */
export function wait<Value>(
  scope: Scope,
  begin: (serve: (value: Value) => void) => () => void,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    refuseCancelled(scope)
    const end = (): void => {
      off()
      leave()
    }
    const leave = begin((value) => {
      end()
      resolve(value)
    })
    const off = onCancel(scope, (reason) => {
      end()
      // The reason itself, as with every signal.
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      reject(reason)
    })
  })
}

/** `scope.sleep` for policies: after it a handler that never looks at its signal still counts as one that never did. */
export function sleep(scope: Scope, ms: number): Promise<void> {
  if (!(scope instanceof MessageScope)) return scope.sleep(ms)
  return wait<void>(scope, (serve) => scope.after(milliseconds('sleep', ms), serve))
}
