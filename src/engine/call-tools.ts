import { continuations } from '../bus/continuations.ts'
import { RequestApproval } from '../messages/approval.ts'
import { BuslineError, type ErrorCode } from '../messages/busline-error.ts'
import type { ToolCallOutcome } from '../messages/chat.ts'
import { failureOf } from '../messages/failure.ts'
import { CallTool } from '../messages/tool.ts'
import type { AcceptedCall } from './accept-answer.ts'
import { append } from './append-messages.ts'
import { OUTCOME_UNKNOWN } from './end-turn.ts'
import { toolMessages } from './tool-messages.ts'
import type { Turn } from './turn.ts'

/**
 * Runs the calls of one answer in parallel and appends their results in call order, each as soon as those before it
 * are there: what has ended is not lost when a later one is killed. Every call gets exactly one result; a failing
 * tool's is the error, as news for the model.
 *
 * @param options.again whether the calls may have run before, in a process that was killed
 * @param options.maxResultLength characters of a result that the model is shown
 */
export async function callTools(
  turn: Turn,
  calls: readonly AcceptedCall[],
  { again = false, maxResultLength }: { again?: boolean; maxResultLength: number },
): Promise<void> {
  const done: (ToolCallOutcome | undefined)[] = calls.map(() => undefined)
  const running = calls.map(async (call, index) => {
    const outcome = await callTool(turn, call, again)
    done[index] = outcome
    return outcome
  })

  // One that fails for a reason of ours ends the turn; the others' ends are then heard by nobody, which is meant.
  void Promise.allSettled(running)
  for (let next = 0; next < calls.length;) {
    await running[next]
    // Whatever has ended by now has gone on to here: so the order of the journal's lines alone tells what is appended together.
    if (done.includes(undefined)) await continuations()
    const ended: ToolCallOutcome[] = []
    for (let outcome = done[next]; outcome; outcome = done[++next]) ended.push(outcome)
    turn.toolCalls.push(...ended)
    await append(turn, await toolMessages(turn, ended, maxResultLength))
  }
}

async function callTool(turn: Turn, call: AcceptedCall, again: boolean): Promise<ToolCallOutcome> {
  const { id, name } = call
  const told = { id, name, arguments: call.arguments }
  if (call.refusal !== undefined) {
    return { ...told, result: null, error: { code: 'ANSWER_CUT', message: call.refusal } }
  }
  try {
    const input = { call: id, name, arguments: call.arguments, ...(again && { again }) }
    const result = await turn.scope.execute(CallTool, input, { signal: turn.signal })
    return { ...told, result: result ?? null, error: null }
  } catch (error) {
    if (isOurs(error)) throw error
    const { code, message } = failureOf(error)
    const wasEnded = turn.scope.signal.aborted || turn.signal.aborted
    const neverRan = error instanceof BuslineError && error.data['ran'] === false
    const why = !wasEnded ? message : neverRan ? NEVER_RAN : OUTCOME_UNKNOWN
    return { ...told, result: null, error: { code, message: why } }
  }
}

const NEVER_RAN = 'The turn was ended before this call began. It did not run.'

const OURS = new Set<ErrorCode>(['ABANDONED', 'BUS_STOPPED', 'JOURNAL_FAILED'])

/**
 * Failures of the program around the tools, which no model can do anything about: nobody handles tool calls, or decides on
 * them. What a tool's own command runs into is a failure of the tool.
 */
function isOurs(error: unknown): boolean {
  if (!(error instanceof BuslineError)) return false
  if (error.code !== 'NO_HANDLER') return OURS.has(error.code)
  return error.data['type'] === CallTool.type || error.data['type'] === RequestApproval.type
}
