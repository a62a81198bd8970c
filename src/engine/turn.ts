import type { Scope } from '../bus/scope.ts'
import type { ToolCallOutcome } from '../messages/chat.ts'
import type { ConversationMessage, TokenUsage, TurnUsage } from '../messages/conversation.ts'
import { AppendMessages } from '../messages/session.ts'
import type { EngineSession } from './engine-sessions.ts'

/** A turn while it runs: what it has added so far, and where it writes. */
export interface Turn {
  readonly id: string
  readonly scope: Scope
  readonly messages: ConversationMessage[]
  readonly toolCalls: ToolCallOutcome[]
  session: EngineSession | undefined
  steps: number
  ended: boolean
  usage: TurnUsage | null
}

export function newTurn(id: string, scope: Scope): Turn {
  return { id, scope, messages: [], toolCalls: [], session: undefined, steps: 0, ended: false, usage: null }
}

/** Appends messages of the turn to its session; they get the turn's id and their place in it. */
export async function append(turn: Turn, messages: readonly ConversationMessage[]): Promise<void> {
  if (!turn.session || messages.length === 0) return
  const next = turn.messages.length
  const added = messages.map((message, index) => ({
    ...message,
    id: `${turn.id}/${next + index}`,
    turn: turn.id,
  }))
  const { version } = await turn.scope.execute(AppendMessages, {
    messages: added,
    version: turn.session.version,
  })
  turn.session.version = version
  turn.messages.push(...added)
}

/** Adds what one model call cost; null stays null until a server tells. */
export function addUsage(turn: Turn, usage: TokenUsage | null): void {
  if (!usage) return
  const sum = turn.usage ?? { inputTokens: 0, outputTokens: 0, totalTokens: 0, calls: 0 }
  turn.usage = {
    inputTokens: sum.inputTokens + usage.inputTokens,
    outputTokens: sum.outputTokens + usage.outputTokens,
    totalTokens: sum.totalTokens + usage.totalTokens,
    calls: sum.calls + 1,
    ...optionalSum('cachedTokens', sum.cachedTokens, usage.cachedTokens),
    ...optionalSum('reasoningTokens', sum.reasoningTokens, usage.reasoningTokens),
  }
}

function optionalSum(
  name: 'cachedTokens' | 'reasoningTokens',
  sum: number | undefined,
  add: number | undefined,
): Partial<TurnUsage> {
  return sum === undefined && add === undefined ? {} : { [name]: (sum ?? 0) + (add ?? 0) }
}
