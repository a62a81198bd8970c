import { BuslineError, type ErrorCode } from '../messages/busline-error.ts'
import type { ToolCallOutcome } from '../messages/chat.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import { failureOf } from '../messages/failure.ts'
import { CallTool } from '../messages/tool.ts'
import type { AcceptedCall } from './accept-answer.ts'
import { OUTCOME_UNKNOWN } from './end-turn.ts'
import { append, type Turn } from './turn.ts'

/**
 * Runs the calls of one answer in parallel and appends their results in call order, each as soon as those before it
 * are there: what has ended is not lost when a later one is killed. Every call gets exactly one result; a failing
 * tool's is the error, as news for the model.
 */
export async function callTools(turn: Turn, calls: readonly AcceptedCall[]): Promise<void> {
  const done: (ToolCallOutcome | undefined)[] = calls.map(() => undefined)
  const running = calls.map(async (call, index) => {
    const outcome = await callTool(turn, call)
    done[index] = outcome
    return outcome
  })

  // One that fails for a reason of ours ends the turn; the others' ends are then heard by nobody, which is meant.
  void Promise.allSettled(running)
  for (let next = 0; next < calls.length;) {
    await running[next]
    const ended: ToolCallOutcome[] = []
    for (let outcome = done[next]; outcome; outcome = done[++next]) ended.push(outcome)
    turn.toolCalls.push(...ended)
    await append(turn, ended.map(toolMessage))
  }
}

async function callTool(turn: Turn, call: AcceptedCall): Promise<ToolCallOutcome> {
  const { id, name } = call
  const told = { id, name, arguments: call.arguments }
  if (call.refusal !== undefined) {
    return { ...told, result: null, error: { code: 'ANSWER_CUT', message: call.refusal } }
  }
  try {
    const result = await turn.scope.execute(CallTool, { call: id, name, arguments: call.arguments })
    return { ...told, result: result ?? null, error: null }
  } catch (error) {
    if (error instanceof BuslineError && OURS.has(error.code)) throw error
    const { code, message } = failureOf(error)
    if (turn.scope.signal.aborted) return { ...told, result: null, error: { code, message: OUTCOME_UNKNOWN } }
    return { ...told, result: null, error: { code, message } }
  }
}

/** Failures of the program around the tools, which no model can do anything about. */
const OURS = new Set<ErrorCode>(['ABANDONED', 'BUS_STOPPED', 'JOURNAL_FAILED', 'NO_HANDLER'])

/** What the model reads of a call's end. */
function toolMessage({ id, result, error }: ToolCallOutcome): ConversationMessage {
  const content = error ? `Error (${error.code}): ${error.message}` : contentOf(result)
  return { role: 'tool', tool_call_id: id, content }
}

/** A string as it is, content parts as such, anything else as JSON. */
function contentOf(result: unknown): NonNullable<ConversationMessage['content']> {
  if (typeof result === 'string') return result
  return isParts(result) ? result : JSON.stringify(result)
}

function isParts(result: unknown): result is { type: string }[] {
  return Array.isArray(result) && result.length > 0 && result.every(isPart)
}

const PART_FIELDS: Record<string, string> = {
  text: 'text',
  image_url: 'image_url',
  input_audio: 'input_audio',
  file: 'file',
}

/** A content part of the chat protocol: its type names the field that holds it. */
function isPart(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string')
    return false
  const field = PART_FIELDS[value.type]
  return field !== undefined && field in value
}
