import type * as z from 'zod'
import type { Bus, Participant } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import {
  ApprovalDecided,
  ApprovalExpired,
  ApprovalRequested,
  ApprovalWithdrawn,
  DecideApproval,
  ListApprovals,
  RequestApproval,
  type Decision,
  type PendingApproval,
} from '../messages/approval.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { announce } from './announce.ts'
import { refuseCancelled } from './cancel-reason.ts'
import { onCancel } from './on-cancel.ts'

interface Waiting {
  readonly approval: PendingApproval
  decide(decision: Decision): void
  withdraw(reason: unknown): void
}

/**
 * Takes decisions from whoever executes `approval.decide`: a page, a chat, another program. An approval has the id of
 * its `approval.request`, waits in memory, and tells its session what becomes of it (`approval.requested`, then one of
 * `approval.decided`, `approval.expired`, `approval.withdrawn`). It leaves with the command that it is for; when the
 * participant is detached, all leave and their commands fail with `CANCELLED`. A decision is durable before the command
 * that it is about runs.
 */
export function approvals(): Participant {
  return (bus) => {
    const waiting = new Map<string, Waiting>()

    bus.handle(RequestApproval, function approvals(request, scope) {
      return decision({ bus, waiting, request, scope })
    })

    bus.handle(DecideApproval, function approvals({ approval, ...decision }) {
      const found = waiting.get(approval)
      if (!found)
        throw new BuslineError(
          'APPROVAL_NOT_FOUND',
          `No approval ${approval} waits: it was decided, expired or withdrawn, or never asked for.`,
          { data: { approval } },
        )
      found.decide(decision)
      return {}
    })

    bus.handle(ListApprovals, function approvals() {
      return [...waiting.values()].map(({ approval }) => approval)
    })

    return () => {
      const reason = new BuslineError(
        'CANCELLED',
        'Nobody takes decisions any more: approvals() was detached.',
      )
      for (const one of waiting.values()) one.withdraw(reason)
    }
  }
}

/** Waits for whichever comes first: a decision, the end of the time, or that of the command. */
function decision(parts: {
  bus: Bus
  waiting: Map<string, Waiting>
  request: z.output<typeof RequestApproval.input>
  scope: Scope
}): Promise<Decision> {
  const { bus, waiting, request, scope } = parts
  const { command, expires } = request
  const { id } = scope.message
  const about = { approval: id, command }
  refuseCancelled(scope)

  // Where it is refused, nobody could decide.
  const approval = pendingApproval(request, scope)
  scope.publish(ApprovalRequested, approval)
  return new Promise((resolve, reject) => {
    const expiry = expires === undefined ? undefined : bus.after(expires, () => expire())
    const end = (): void => {
      waiting.delete(id)
      expiry?.()
      off()
    }
    const expire = (): void => {
      end()
      announce(scope, ApprovalExpired, about)
      reject(expired(command, expires))
    }
    const withdraw = (reason: unknown): void => {
      end()
      announce(scope, ApprovalWithdrawn, about)
      // The reason itself, as with every signal.
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      reject(reason)
    }
    const decide = (decided: Decision): void => {
      end()
      announce(scope, ApprovalDecided, { ...about, ...decided })
      resolve(decided)
    }
    waiting.set(id, { approval, decide, withdraw })
    // Not by its signal, which is that of the command too: whoever handles that has not looked at it yet.
    const off = onCancel(scope, withdraw)
  })
}

function pendingApproval(
  { command, data, reason, expires }: z.output<typeof RequestApproval.input>,
  scope: Scope,
): PendingApproval {
  const requested = scope.now()
  return {
    approval: scope.message.id,
    command,
    data,
    reason,
    session: scope.session,
    requested,
    expires: expires === undefined ? undefined : requested + expires,
  }
}

function expired(command: { id: string; type: string }, expires: number | undefined): BuslineError {
  return new BuslineError(
    'APPROVAL_EXPIRED',
    `Nobody decided within ${expires} ms whether ${command.type} (${command.id}) may run.`,
    { data: { expires } },
  )
}
