import { MessageScope } from '../bus/message-scope.ts'
import type { Scope } from '../bus/scope.ts'
import { RequestApproval, type Decision } from '../messages/approval.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { CallTool } from '../messages/tool.ts'
import type { Tool } from './define-tool.ts'
import { withSecrets } from './edited-secrets.ts'
import { refuseCancelled, tellsItsEnd } from './on-cancel.ts'
import type { ToolRoom } from './tool-room.ts'

/** A call whose arguments fit. */
export interface CheckedCall {
  readonly tool: Tool
  /** As the model gave them. */
  readonly args: unknown
  /** As the tool takes them. */
  readonly input: unknown
  readonly call: string
}

/** Which calls have to be approved where the tool does not say: none, those of unsafe tools, or those that the function names. */
export type ApprovePolicy =
  'never' | 'unsafe' | ((call: { tool: Tool; input: unknown }, scope: Scope) => boolean | Promise<boolean>)

export interface ApprovalOptions {
  readonly approve?: ApprovePolicy | undefined
  readonly approvalExpires?: number | undefined
}

/** Calls whose turn was ended by a stop stay listed: of more, the oldest count as ones that may have run. */
const MOST_WAITING = 1000

/**
 * Asks whether a call may run, where it has to be asked, and returns the arguments that it is to run with: the model's, or
 * those that were put in their place. What was decided for the rest of the session is not asked again. While somebody
 * decides, the session names the call as one that waits, so that after a restart it is known not to have run; that is
 * taken back before it runs.
 *
 * @throws BuslineError `APPROVAL_DENIED`, `APPROVAL_EXPIRED`, `NO_HANDLER` where nobody takes decisions, `INVALID_ARGUMENTS`
 *   for edited arguments that do not fit
 */
export async function approvedInput(
  checked: CheckedCall,
  parts: { room: ToolRoom; scope: Scope; check: (args: unknown, what: string) => unknown },
): Promise<unknown> {
  const { tool, input, call, args } = checked
  const { room, scope, check } = parts
  const { sessions, options } = room
  const noLonger = (waiting: readonly string[]): string[] => waiting.filter((id) => id !== call)
  const isNeeded = await needsApproval(checked, scope, options)

  const session = await sessions.of(scope)
  // From before a restart, or of a former call of that id: models repeat them.
  const isWaiting = session?.approvals.waiting.includes(call) ?? false
  if (!isNeeded || session?.approvals.always.includes(tool.name)) {
    if (isWaiting)
      await sessions.change(scope, 'approvals', (before) => ({
        ...before,
        waiting: noLonger(before.waiting),
      }))
    return input
  }
  if (!isWaiting)
    await sessions.change(scope, 'approvals', (before) => ({
      ...before,
      waiting: [...noLonger(before.waiting), call].slice(-MOST_WAITING),
    }))
  // As the journal has it: whoever decides is shown no registered secret.
  const shown = scope instanceof MessageScope ? scope.recorded() : undefined
  let decision: Decision
  try {
    decision = await ask(tool, { scope, shown, room })
  } catch (error) {
    await forgetWaiting({ room, scope, noLonger })
    throw error
  }

  const always = decision.approved && decision.always === true
  await sessions.change(scope, 'approvals', (before) => ({
    always: always && !before.always.includes(tool.name) ? [...before.always, tool.name] : before.always,
    waiting: noLonger(before.waiting),
  }))
  if (!decision.approved) throw denied(tool, decision)
  // Whoever decided may not have noticed that it was cancelled meanwhile.
  refuseCancelled(scope)
  if (decision.arguments === undefined) return input
  const what = `What was put in place of the arguments of ${tool.name}`
  return check(
    withSecrets(what, { edited: decision.arguments, shown: argumentsOf(shown), given: args }),
    what,
  )
}

function argumentsOf(shown: unknown): unknown {
  return typeof shown === 'object' && shown !== null && 'arguments' in shown ? shown.arguments : undefined
}

async function needsApproval(
  { tool, input }: Pick<CheckedCall, 'tool' | 'input'>,
  scope: Scope,
  { approve = 'never' }: ApprovalOptions,
): Promise<boolean> {
  const { approval } = tool
  if (typeof approval === 'function') return approval(input, scope)
  if (approval !== undefined) return approval
  if (typeof approve === 'function') return approve({ tool, input }, scope)
  return approve === 'unsafe' && tool.effect === 'unsafe'
}

async function ask(
  tool: Tool,
  { scope, shown, room }: { scope: Scope; shown: unknown; room: ToolRoom },
): Promise<Decision> {
  tellsItsEnd(scope)
  try {
    return await scope.execute(
      RequestApproval,
      {
        command: { id: scope.message.id, type: CallTool.type },
        data: shown,
        expires: room.options.approvalExpires,
      },
      { signal: room.detached },
    )
  } catch (error) {
    throw forWhoeverReads(error, tool)
  }
}

/** A missing handler is news for the developer, an approval that expired for the model. */
function forWhoeverReads(error: unknown, { name }: Tool): unknown {
  if (!(error instanceof BuslineError)) return error
  if (error.code === 'NO_HANDLER' && error.data['type'] === RequestApproval.type) {
    return new BuslineError(
      'NO_HANDLER',
      `The tool ${name} runs only when it is approved, and nobody takes decisions. Attach approvals() or terminalApprovals(), or handle RequestApproval.`,
      { data: error.data, cause: error },
    )
  }
  if (error.code !== 'APPROVAL_EXPIRED') return error
  return new BuslineError(
    'APPROVAL_EXPIRED',
    `Nobody decided in time whether ${name} may run, so it did not. Tell the user that it needs an approval.`,
    { data: error.data, cause: error },
  )
}

/**
 * The call did not run and nobody waits for it any more, so it is no longer one that waits. When the bus is stopping or the
 * store fails it stays listed: then it is asked about again after the restart, or never heard of again.
 */
async function forgetWaiting(parts: {
  room: ToolRoom
  scope: Scope
  noLonger: (waiting: readonly string[]) => string[]
}): Promise<void> {
  const { room, scope, noLonger } = parts
  if (scope.session === undefined) return
  // Of its own: what was asked for may have been cancelled.
  const session = room.bus.session(scope.session)
  try {
    await room.sessions.change(session, 'approvals', (before) => ({
      ...before,
      waiting: noLonger(before.waiting),
    }))
  } catch {
    // The journal has why.
  } finally {
    session.dispose()
  }
}

function denied({ name }: Tool, { by, reason }: Decision): BuslineError {
  const who = by === undefined ? '' : ` by ${by}`
  const why = reason === undefined || reason === '' ? '.' : `: ${reason}`
  const end = /[.!?]$/.test(why) ? '' : '.'
  return new BuslineError(
    'APPROVAL_DENIED',
    `${name} was not approved${who} and did not run${why}${end} Do not make the same call again unless the user asks for it.`,
    { data: { ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) } },
  )
}
