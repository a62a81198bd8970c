import type { Participant } from '../bus/bus.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { ReadContext } from '../messages/context.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import { OpenSession } from '../messages/session.ts'
import { estimateTokens } from './estimate-tokens.ts'
import { mirrorSessions } from './session-mirror.ts'
import { withinTokens, type ContextStrategy } from './strategies.ts'

export interface ContextManagerOptions {
  /** Budget of system prompt and history together (default: the whole history). */
  maxTokens?: number
  /** Tokens of one message (default: {@link estimateTokens}, whose margin it states). */
  countTokens?: (message: ConversationMessage) => number
  /** What of the history is sent (default: within `maxTokens`, if that is given). */
  strategy?: ContextStrategy
}

/**
 * Reads what a model is to see of a session: the system prompt, then the window that the strategy leaves of its
 * history. Trimming takes whole exchanges, oldest first, never the system prompt nor half of a tool exchange.
 */
export function contextManager(options: ContextManagerOptions = {}): Participant {
  const count = remembering(options.countTokens ?? estimateTokens)
  const strategy =
    options.strategy ?? (options.maxTokens === undefined ? undefined : withinTokens(options.maxTokens))

  return (bus) => {
    const sessions = mirrorSessions(bus)

    bus.handle(ReadContext, async function contextManager(_input, scope) {
      if (scope.session === undefined)
        throw new BuslineError(
          'SESSION_NOT_OPEN',
          'context.read needs a session: execute it on bus.session(id).',
        )
      if (!sessions.has(scope.session)) await scope.execute(OpenSession, { id: scope.session })
      const session = sessions.get(scope.session)
      if (!session) throw new BuslineError('SESSION_NOT_OPEN', `Session ${scope.session} is not open.`)

      const system: ConversationMessage[] = session.systemPrompt
        ? [{ role: 'system', content: session.systemPrompt }]
        : []
      const systemTokens = system.reduce((sum, message) => sum + count(message), 0)
      const window = strategy?.(session.messages, { countTokens: count, systemTokens }) ?? session.messages
      const tokens = window.reduce((sum, message) => sum + count(message), systemTokens)
      return { messages: [...system, ...window], tokens }
    })
  }
}

/** Messages do not change once they are in a history, so each is counted once. */
function remembering(
  countTokens: (message: ConversationMessage) => number,
): (message: ConversationMessage) => number {
  const counted = new WeakMap<ConversationMessage, number>()
  return (message) => {
    const tokens = counted.get(message) ?? countTokens(message)
    counted.set(message, tokens)
    return tokens
  }
}
