import type { Bus } from '../bus/bus.ts'
import type { Scope } from '../bus/scope.ts'
import type { ConversationMessage } from '../messages/conversation.ts'
import { SESSION_CHANGES, sessionNews, type SessionNews } from '../messages/session-news.ts'
import { OpenSession, type Session } from '../messages/session.ts'

/** What the engine knows of an open session. */
export interface EngineSession {
  version: number
  /** How many messages it has. */
  size: number
  model: string | null
  /** Ids of all tool calls in the history: a new call must not repeat one. */
  callIds: Set<string>
  /** Calls of the history that have no result, by the message that made them. */
  unanswered: { call: string; turn: string | undefined }[]
  /** The turn that was begun before the session was opened here, and never committed. */
  interrupted: InterruptedTurn | undefined
}

/** A turn that a crash ended, as far as the session holds it. */
export interface InterruptedTurn {
  id: string
  messages: ConversationMessage[]
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
      const news = sessionNews(message, outcome)
      if (news) follow(sessions, news)
      return outcome
    },
    { for: SESSION_CHANGES },
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

function follow(sessions: Map<string, EngineSession>, news: SessionNews): void {
  if (news.kind === 'gone') {
    sessions.delete(news.id)
    return
  }
  const known = sessions.get(news.id)
  if (news.kind === 'opened') {
    // In place: a turn that is running holds on to what it began with. One that is late must not undo what came since.
    if (known && !isOlder(news.session, known)) Object.assign(known, toEngineSession(news.session))
    if (!known) sessions.set(news.id, toEngineSession(news.session))
    return
  }
  if (!known) return
  known.version = news.version
  if (news.kind === 'committed') known.interrupted = undefined
  if (news.kind === 'appended') noteCalls(known, news.messages)
  // Edits change what was said, not which calls are open: those of a running turn are not to be edited.
  if (news.kind !== 'updated') return

  const { model, messages } = news.set
  if (model !== undefined) known.model = model
  if (!messages) return
  known.callIds.clear()
  known.size = 0
  known.unanswered = []
  known.interrupted = undefined
  noteCalls(known, messages)
}

function isOlder({ version, messages }: Session, known: EngineSession): boolean {
  return version < known.version || (version === known.version && messages.length < known.size)
}

function toEngineSession({ version, model, messages, openTurn }: Session): EngineSession {
  const session: EngineSession = {
    version,
    size: 0,
    model,
    callIds: new Set(),
    unanswered: [],
    interrupted: undefined,
  }
  noteCalls(session, messages)
  // A store that does not tell which turn is open: one with calls that nobody answered is.
  const id = openTurn ?? session.unanswered[0]?.turn
  if (id !== undefined) session.interrupted = { id, messages: messages.filter(({ turn }) => turn === id) }
  return session
}

function noteCalls(session: EngineSession, messages: readonly ConversationMessage[]): void {
  session.size += messages.length
  for (const message of messages) {
    // Of an earlier turn: whoever reads the history mends it, a turn that is over is not opened again.
    if (message.role === 'user' && session.unanswered.some(({ turn }) => turn !== message.turn))
      session.unanswered = []
    for (const { id } of message.tool_calls ?? []) {
      session.callIds.add(id)
      session.unanswered.push({ call: id, turn: message.turn })
    }
    if (message.role !== 'tool') continue
    session.unanswered = session.unanswered.filter(({ call }) => call !== message.tool_call_id)
  }
}
