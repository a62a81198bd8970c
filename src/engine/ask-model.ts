import { ReadContext } from '../messages/context.ts'
import { textOf } from '../messages/conversation.ts'
import { ListTools, type ToolDescription } from '../messages/tool.ts'

import { CallModel } from '../messages/model.ts'
import { acceptAnswer, type AcceptedCall } from './accept-answer.ts'
import { addUsage, append, type Turn } from './turn.ts'

/** What one step came to. */
export interface Step {
  text: string
  finishReason: string | null
  calls: AcceptedCall[]
}

const NO_TOOLS: ToolDescription[] = []

/**
 * One step: reads the context, asks the model, appends its answer. Without tools when the turn is at its limit; calls
 * that a model then makes all the same are dropped, and words of ours stand in for an empty answer.
 */
export async function askModel(turn: Turn, options: { model: string | null; limit?: string }): Promise<Step> {
  const { scope } = turn
  const { messages } = await scope.execute(ReadContext, {})
  const tools = options.limit ? NO_TOOLS : await scope.execute(ListTools, {})
  turn.steps++
  const answer = await scope.execute(CallModel, { model: options.model, messages, tools })
  addUsage(turn, answer.usage)

  const accepted = acceptAnswer(
    answer,
    turn.session?.callIds ?? new Set(),
    `${turn.id}/${turn.messages.length}`,
  )
  const calls = options.limit ? [] : accepted.calls
  const { tool_calls, ...words } = accepted.message
  const text = textOf(words)
  const reply =
    text === '' && options.limit
      ? `I stopped at the limit of this turn (${options.limit}) without an answer.`
      : text
  const spoken = reply === text ? words : { ...words, content: reply }
  await append(turn, [
    calls.length > 0 && tool_calls ? { ...spoken, tool_calls } : { ...spoken, content: spoken.content ?? '' },
  ])
  return { text: reply, finishReason: options.limit ?? answer.finishReason, calls }
}
