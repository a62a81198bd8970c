import { MessageScope } from '../bus/message-scope.ts'
import type { Middleware, MiddlewareMessage } from '../bus/middleware.ts'
import { DecideApproval, ListApprovals, RequestApproval, type Decision } from '../messages/approval.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { refuseCancelled } from './cancel-reason.ts'
import { checkMilliseconds } from './check-option.ts'

export interface RequireApprovalOptions {
  /** Milliseconds to wait for a decision (default: as long as the command may take). */
  expires?: number
  /** Why it has to be decided, for whoever decides. */
  describe?: (message: MiddlewareMessage) => string | undefined
}

/** Asking for an approval must not need one. */
const OF_APPROVALS: ReadonlySet<string> = new Set(
  [RequestApproval, DecideApproval, ListApprovals].map(({ type }) => type),
)

/**
 * Runs a command only once it is approved: executes `approval.request`, whose one handler decides (`approvals()`, or
 * one of yours). Not approved, the command fails with `APPROVAL_DENIED` (`data.by`, `data.reason`), not in time with
 * `APPROVAL_EXPIRED`. Deliveries of events pass.
 *
 * Place it around timeouts and retries, or they count the time that people take.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function requireApproval({ expires, describe }: RequireApprovalOptions = {}): Middleware {
  if (expires !== undefined) checkMilliseconds('requireApproval', 'expires', expires)
  return async function requireApproval(message, next, scope) {
    const { kind, id, type } = message
    if (kind !== 'command' || OF_APPROVALS.has(type)) return next()
    const decision = await scope.execute(RequestApproval, {
      command: { id, type },
      // What the parsed input holds of secrets is for the handler only.
      data: scope instanceof MessageScope ? scope.recorded() : undefined,
      reason: describe?.(message),
      expires,
    })
    if (!decision.approved) throw denied(message, decision)
    // Whoever decided may not have noticed that it was cancelled meanwhile.
    refuseCancelled(scope)
    return next()
  }
}

function denied({ type, id }: MiddlewareMessage, { by, reason }: Decision): BuslineError {
  const who = by === undefined ? '' : ` by ${by}`
  const why = reason === undefined ? '.' : `: ${reason}`
  return new BuslineError('APPROVAL_DENIED', `${type} (${id}) was not approved${who}${why}`, {
    data: { ...(by === undefined ? {} : { by }), ...(reason === undefined ? {} : { reason }) },
  })
}
