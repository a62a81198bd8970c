import * as z from 'zod'
import { defineCommand } from './define-command.ts'
import { defineEvent } from './define-event.ts'
import { Subject } from './subject.ts'

/**
 * What was decided: by whom and why, as far as they say so. Of a tool call, `arguments` are what it is to run with in place of
 * the model's, and `always` approves that tool for the rest of the session.
 */
export const Decision = z.object({
  approved: z.boolean(),
  by: z.string().optional(),
  reason: z.string().optional(),
  arguments: z.unknown().optional(),
  always: z.boolean().optional(),
})
export type Decision = z.output<typeof Decision>

/**
 * Asks whether a command may run. `data` is its input as the journal has it, so without secrets; `expires` the
 * milliseconds after which nobody waits for an answer any more. Whatever handles this decides: `approvals()`, a prompt
 * in a terminal, a rule, a test.
 */
export const RequestApproval = defineCommand('approval.request', {
  input: z.object({
    command: Subject,
    data: z.unknown(),
    reason: z.string().optional(),
    expires: z.number().positive().optional(),
  }),
  output: Decision,
  effect: true,
})

/** Decides an approval that waits; `APPROVAL_NOT_FOUND` for any other. Durable before what it allows runs. */
export const DecideApproval = defineCommand('approval.decide', {
  input: z.object({ approval: z.string(), ...Decision.shape }),
  output: z.object({}),
  effect: true,
})

/** An approval that waits. `requested` and `expires` are epoch milliseconds. */
export const PendingApproval = z.object({
  approval: z.string(),
  command: Subject,
  data: z.unknown(),
  reason: z.string().optional(),
  session: z.string().optional(),
  requested: z.number(),
  expires: z.number().optional(),
})
export type PendingApproval = z.output<typeof PendingApproval>

/** The approvals that wait, oldest first. */
export const ListApprovals = defineCommand('approval.list', {
  input: z.object({}),
  output: z.array(PendingApproval),
})

const About = z.object({ approval: z.string(), command: Subject })

/** An approval waits to be decided. Exactly one of the three below ends it. */
export const ApprovalRequested = defineEvent('approval.requested', { data: PendingApproval })

/** Somebody decided. */
export const ApprovalDecided = defineEvent('approval.decided', {
  data: z.object({ ...About.shape, ...Decision.shape }),
})

/** Nobody decided in time. */
export const ApprovalExpired = defineEvent('approval.expired', { data: About })

/** There is nothing to decide any more: the command was cancelled, or whoever took decisions has left. */
export const ApprovalWithdrawn = defineEvent('approval.withdrawn', { data: About })
