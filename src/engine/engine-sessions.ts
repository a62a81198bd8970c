import type { Bus } from '../bus/bus.ts'
import type { MiddlewareMessage } from '../bus/middleware.ts'
import type { Scope } from '../bus/scope.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import {
  AppendMessages,
  CloseSession,
  CommitTurn,
  DeleteSession,
  OpenSession,
  Session,
  UpdateSession,
} from '../messages/session.ts'

/** What the engine knows of an open session. */
export interface EngineSession {
  version: number
  model: string | null
  /** Ids of all tool calls in the history: a new call must not repeat one. */
  callIds: Set<string>
  /** Calls of the history that have no result, by the message that made them. */
  unanswered: { call: string; turn: string | undefined }[]
}

/**
 * Follows the versions of the open sessions by watching the commands that change them, so that a turn need not open its
 * session again, and an update from elsewhere between two turns is no conflict.
 */
export function engineSessions(
  bus: Bus,
): (id: string, defaults: { model?: string; systemPrompt?: string }, scope: Scope) => Promise<EngineSession> {
  const sessions = new Map<string, EngineSession>()
  bus.use(
    async function engineSessions(message, next) {
      const outcome = await next()
      follow(sessions, message, outcome)
      return outcome
    },
    { for: [OpenSession, AppendMessages, CommitTurn, UpdateSession, CloseSession, DeleteSession] },
  )

  return async (id, defaults, scope) => {
    const open = sessions.get(id)
    if (open) return open
    const opened = await scope.execute(OpenSession, { id, ...defaults })
    const session = sessions.get(id) ?? toEngineSession(opened)
    sessions.set(id, session)
    return session
  }
}

function follow(sessions: Map<string, EngineSession>, message: MiddlewareMessage, outcome: unknown): void {
  if (message.type === OpenSession.type) {
    const opened = toEngineSession(Session.parse(outcome))
    // In place: a turn that is running holds on to what it began with.
    const known = sessions.get(message.session ?? '')
    if (known) Object.assign(known, opened)
    else sessions.set(Session.parse(outcome).id, opened)
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
  session.version = AppendMessages.output.parse(outcome).version
  if (message.type === AppendMessages.type) {
    noteCalls(session, AppendMessages.input.parse(message.data).messages)
    return
  }
  if (message.type !== UpdateSession.type) return
  const { model, messages } = UpdateSession.input.parse(message.data)
  if (model !== undefined) session.model = model
  if (messages === undefined) return
  session.callIds.clear()
  session.unanswered = []
  noteCalls(session, messages)
}

function toEngineSession({ version, model, messages }: Session): EngineSession {
  const session: EngineSession = { version, model, callIds: new Set(), unanswered: [] }
  noteCalls(session, messages)
  return session
}

function noteCalls(session: EngineSession, messages: readonly ConversationMessage[]): void {
  for (const message of messages) {
    for (const { id } of message.tool_calls ?? []) {
      session.callIds.add(id)
      session.unanswered.push({ call: id, turn: message.turn })
    }
    if (message.role !== 'tool') continue
    session.unanswered = session.unanswered.filter(({ call }) => call !== message.tool_call_id)
  }
}
