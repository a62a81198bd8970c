import type * as z from 'zod'
import type { Scope } from '../bus/scope.ts'
import { BuslineError } from '../messages/busline-error.ts'
import type { CallTool } from '../messages/tool.ts'
import type { Tool } from './define-tool.ts'
import { notRun } from './not-run.ts'
import { tellsItsEnd } from './on-cancel.ts'
import { runLimited } from './run-limited.ts'
import { resolveRefs } from './shared-objects.ts'
import { approvedInput } from './tool-approval.ts'
import { jsonResult } from './tool-result.ts'
import type { ToolRoom } from './tool-room.ts'
import { isSelected } from './tool-selection.ts'
import type { Selection } from './tool-sessions.ts'
import { unknownTool } from './unknown-tool.ts'

type Call = z.output<typeof CallTool.input>

/**
 * Runs calls: finds the tool, refuses what may not or must not run, checks the arguments, asks for an approval, waits for its
 * turn, and runs it within its time. The time that people take to decide, and that a call waits for its turn, is not the tool's.
 */
export function toolRunner(room: ToolRoom): (call: Call, scope: Scope) => Promise<unknown> {
  return async (call, scope) => {
    const progress: Progress = { mayHaveRun: call.again ?? false }
    try {
      return await runCall(room, { call, scope, progress })
    } catch (error) {
      throw progress.mayHaveRun ? error : notRun(error)
    }
  }
}

/** Whether a call may have taken effect: now, or before it was interrupted. */
interface Progress {
  mayHaveRun: boolean
}

async function runCall(
  room: ToolRoom,
  { call: given, scope, progress }: { call: Call; scope: Scope; progress: Progress },
): Promise<unknown> {
  const { sessions, objects, options, results } = room
  const { call, name, arguments: args, key, again: isRepeated = false } = given
  const session = await sessions.of(scope)
  const waited = session?.approvals.waiting.includes(call) ?? false
  const again = isRepeated && !waited
  progress.mayHaveRun = again
  const tool = find(name, room, session?.selection)
  if (again && tool.effect === 'unsafe') throw outcomeUnknown(tool)
  await refuseUnavailable(tool, room, { scope, selection: session?.selection })

  const check = (value: unknown, what?: string): unknown =>
    resolveRefs(objects, tool.check(value, what), scope)
  const input = await approvedInput({ tool, call, args, input: check(args) }, { room, scope, check })
  if (options.suggest && room.tools.has(name)) room.suggestions.remember(scope.session, [name])
  const giveBack = await takeSlots(tool, room, scope)
  try {
    progress.mayHaveRun = true
    const outcome = await runLimited(scope, { what: `The tool ${name}`, timeout: tool.timeout }, (inside) =>
      tool.run(input, inside, { id: call, key: key ?? keyOf(call, scope), again }),
    )
    const value = jsonResult(name, outcome, { objects: options.sharedObjects, scope })
    if (room.tools.has(name)) results?.keep({ session: scope.session, call, value })
    return value
  } finally {
    giveBack()
  }
}

function find(name: string, { tools, findTools, results }: ToolRoom, selection: Selection | undefined): Tool {
  const own = [findTools, results?.tool].find((tool) => tool?.name === name)
  const tool = tools.get(name) ?? own
  if (tool) return tool
  const known = [...tools.values()].filter((one) => isSelected(one, selection)).map((one) => one.name)
  throw unknownTool(name, known, findTools !== undefined)
}

async function refuseUnavailable(
  tool: Tool,
  room: ToolRoom,
  { scope, selection }: { scope: Scope; selection: Selection | undefined },
): Promise<void> {
  const { name } = tool
  if (!room.tools.has(name)) return
  if (!isSelected(tool, selection)) {
    throw new BuslineError('TOOL_UNAVAILABLE', `${name} is not on offer in this session. Go on without it.`, {
      data: { name },
    })
  }
  if (!tool.health) return
  tellsItsEnd(scope)
  const { status, message } = await room.health.of(tool, scope)
  if (status !== 'down') return
  const why = message === undefined ? '' : ` (${message})`
  throw new BuslineError(
    'TOOL_UNAVAILABLE',
    `${name} does not work at present${why} and did not run. Go on without it, or tell the user.`,
    { data: { name, ...(message !== undefined && { message }) } },
  )
}

function outcomeUnknown({ name }: Tool): BuslineError {
  return new BuslineError(
    'OUTCOME_UNKNOWN',
    `This call of ${name} was interrupted, and whether it took effect is not known. It was not made again, because that is not safe. Find out with other tools, or ask the user, before you call ${name} again.`,
    { data: { name } },
  )
}

/** The tool's own first: one that waits for it must not keep others from running. */
async function takeSlots({ name }: Tool, { slots, allSlots }: ToolRoom, scope: Scope): Promise<() => void> {
  const own = await slots.get(name)?.take(scope)
  try {
    const common = await allSlots?.take(scope)
    return () => {
      common?.()
      own?.()
    }
  } catch (error) {
    own?.()
    throw error
  }
}

/** Of one turn a call has one id, also when the turn goes on after a crash; outside of turns a command is a call. */
function keyOf(call: string, { turn, message }: Scope): string {
  return turn === undefined ? message.id : `${turn}/${call}`
}
