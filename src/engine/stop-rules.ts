import { BuslineError } from '../messages/busline-error.ts'
import type { ToolCallOutcome } from '../messages/chat.ts'
import type { TurnUsage } from '../messages/conversation.ts'

/** What a stop rule sees of a turn, after the tools of a step have run. */
export interface TurnState {
  /** Model answers so far. */
  readonly steps: number
  /** All calls of the turn, in order, with their results. */
  readonly toolCalls: readonly ToolCallOutcome[]
  /** What the model said in its last answer, beside the calls. */
  readonly text: string
  readonly usage: TurnUsage | null
  /** US dollars; null or undefined when not known. */
  readonly cost: number | null | undefined
  /** Milliseconds since the turn began. */
  readonly elapsedMs: number
}

/**
 * Decides whether a turn ends here. Its reply is then what the model said beside its last calls; where that is nothing, the
 * model is asked once more without tools.
 */
export type StopRule = (state: TurnState) => boolean

/** Ends the turn after a tool of that name has run well. */
export function toolCalled(name: string): StopRule {
  if (typeof name !== 'string' || name === '') throw invalid('toolCalled', "the tool's name", name)
  return ({ toolCalls }) => toolCalls.some((call) => call.name === name && call.error === null)
}

/** Ends the turn after the same call, by name and arguments, was made `times` times: a model that goes in circles. */
export function sameCallRepeated(times: number): StopRule {
  if (!Number.isInteger(times) || times < 2)
    throw invalid('sameCallRepeated', 'a whole number from 2 on', times)
  return ({ toolCalls }) => {
    const last = toolCalls.at(-1)
    if (!last) return false
    const made = JSON.stringify([last.name, last.arguments])
    return toolCalls.filter((call) => JSON.stringify([call.name, call.arguments]) === made).length >= times
  }
}

/** Ends the turn after `count` tool calls have failed one after another. */
export function callsFailed(count: number): StopRule {
  if (!Number.isInteger(count) || count < 1) throw invalid('callsFailed', 'a whole number from 1 on', count)
  return ({ toolCalls }) =>
    toolCalls.length >= count && toolCalls.slice(-count).every(({ error }) => error !== null)
}

function invalid(rule: string, must: string, is: unknown): BuslineError {
  return new BuslineError('INVALID_OPTION', `${rule} takes ${must}, not ${JSON.stringify(is)}.`, {
    data: { option: rule },
  })
}
