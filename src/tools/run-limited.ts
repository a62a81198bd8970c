import { limited } from '../bus/limited.ts'
import { MessageScope } from '../bus/message-scope.ts'
import type { Scope } from '../bus/scope.ts'

/**
 * Runs a tool's code under a signal of its own, for at most `timeout` milliseconds; then it fails with `TIMED_OUT`, which
 * names `what`. Cancelled or out of time, code that never looked at its signal is left behind at once, and what did look has
 * a second to clean up.
 */
export async function runLimited(
  scope: Scope,
  { what, timeout }: { what: string; timeout?: number | undefined },
  run: (scope: Scope) => unknown,
): Promise<unknown> {
  if (!(scope instanceof MessageScope)) return run(scope)
  return limited(scope, { timeout }, what, run)
}
