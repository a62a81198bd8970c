import { onAbort } from '../bus/on-abort.ts'
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
    return await orAborted(scope, work)
  } catch (error) {
    scope.signal.throwIfAborted()
    scope.publish(ContextDegraded, { part, error: failureOf(error) })
    return undefined
  }
}

/** Waits for work that may never end until it is cancelled: then rejects at once with the reason, whatever the work does. */
export async function orAborted<T>({ signal }: Scope, work: () => T | Promise<T>): Promise<T> {
  signal.throwIfAborted()
  let leave = (): void => undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    leave = onAbort(signal, () => reject(signal.reason))
  })
  try {
    return await Promise.race([work(), aborted])
  } finally {
    leave()
  }
}
