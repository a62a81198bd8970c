import type { Scope } from '../bus/scope.ts'
import { ContextDegraded } from '../messages/context.ts'
import { failureOf } from '../messages/failure.ts'

/**
 * Does a part of the context that a turn can do without. A failure becomes `context.degraded` and undefined; a cancelled
 * turn is no failure of the part, and goes on being cancelled.
 */
export async function orDegraded<T>(
  part: string,
  scope: Scope,
  work: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    scope.signal.throwIfAborted()
    scope.publish(ContextDegraded, { part, error: failureOf(error) })
    return undefined
  }
}
