import type { Bus } from '../bus/bus.ts'
import type { MiddlewareMessage } from '../bus/middleware.ts'
import { identified, type ConversationMessage } from '../messages/conversation.ts'
import {
  AppendMessages,
  CloseSession,
  DeleteSession,
  OpenSession,
  Session,
  UpdateSession,
} from '../messages/session.ts'

/** What the context manager remembers of a session. */
export interface MirroredSession {
  systemPrompt: string | null
  messages: ConversationMessage[]
}

/**
 * Keeps the open sessions at hand by watching the commands that open and change them, whichever store handles those:
 * so a step reads the history without asking for it, and the journal does not hold it again.
 */
export function mirrorSessions(bus: Bus): Map<string, MirroredSession> {
  const sessions = new Map<string, MirroredSession>()

  bus.use(
    async function mirrorSessions(message, next) {
      const outcome = await next()
      apply(sessions, message, outcome)
      return outcome
    },
    { for: [OpenSession, AppendMessages, UpdateSession, CloseSession, DeleteSession] },
  )
  return sessions
}

function apply(sessions: Map<string, MirroredSession>, message: MiddlewareMessage, outcome: unknown): void {
  if (message.type === OpenSession.type) {
    const { id, systemPrompt, messages } = Session.parse(outcome)
    sessions.set(id, { systemPrompt, messages: [...messages] })
    return
  }
  if (message.type === DeleteSession.type) {
    sessions.delete(DeleteSession.input.parse(message.data).id)
    return
  }
  if (message.session === undefined) return
  if (message.type === CloseSession.type) {
    sessions.delete(message.session)
    return
  }
  const session = sessions.get(message.session)
  if (!session) return
  if (message.type === AppendMessages.type) {
    session.messages.push(...identified(AppendMessages.input.parse(message.data).messages, message))
    return
  }
  const { systemPrompt, messages } = UpdateSession.input.parse(message.data)
  if (systemPrompt !== undefined) session.systemPrompt = systemPrompt
  if (messages !== undefined) session.messages = identified(messages, message)
}
