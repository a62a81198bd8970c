import { BuslineError } from '../messages/busline-error.ts'
import type { HeldSession } from './session-storage.ts'

/**
 * Closes all open sessions and forgets them: one that fails keeps none of the others. Then rejects with the
 * failure, or with one `FILE_FAILED` that names them all. Safe to call twice.
 */
export function closeSessions(open: Map<string, HeldSession>): void | Promise<void> {
  const failures: unknown[] = []
  for (const [id, held] of open) {
    open.delete(id)
    try {
      held.close()
    } catch (error) {
      failures.push(error)
    }
  }
  // Rejects and does not throw: a bus takes the handlers back only after a cleanup that returned.
  if (failures.length > 0) return fail(failures)
}

async function fail(failures: unknown[]): Promise<void> {
  if (failures.length === 1) throw failures[0]
  const reasons = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)))
  throw new BuslineError('FILE_FAILED', reasons.join(' '), { cause: new AggregateError(failures) })
}
