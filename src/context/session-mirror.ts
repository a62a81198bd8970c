import type { Bus } from '../bus/bus.ts'
import { SESSION_CHANGES, sessionNews, type SessionNews } from '../messages/session-news.ts'
import { OpenSession } from '../messages/session.ts'
import { MirroredSession } from './mirrored-session.ts'

/**
 * Keeps the open sessions at hand by watching the commands that open and change them, whichever store handles those:
 * so a step reads the history without asking for it, and the journal does not hold it again. Results may come late and in any
 * order; a mirror that can't be right any more is dropped, to be read again.
 */
export function mirrorSessions(bus: Bus): Map<string, MirroredSession> {
  const sessions = new Map<string, MirroredSession>()
  /** The opens under way, each with the sessions that went while it was: its result may be of before that. */
  const opening = new Set<Set<string>>()

  bus.use(
    async function mirrorSessions(message, next) {
      const gone = new Set<string>()
      if (message.type === OpenSession.type) opening.add(gone)
      const known = message.session === undefined ? undefined : sessions.get(message.session)
      const snapshots = known?.snapshots
      let outcome: unknown
      try {
        outcome = await next()
      } finally {
        opening.delete(gone)
      }
      try {
        const news = sessionNews(message, outcome)
        if (news?.kind === 'gone') for (const others of opening) others.add(news.id)
        if (news && !gone.has(news.id)) follow(sessions, news, snapshots)
      } catch {
        // The command succeeded; what is no result of it the bus refuses itself.
        if (message.session !== undefined) sessions.delete(message.session)
      }
      return outcome
    },
    { for: SESSION_CHANGES },
  )
  return sessions
}

/** @param snapshots how often the mirror had been set from a whole session when the command began */
function follow(
  sessions: Map<string, MirroredSession>,
  news: SessionNews,
  snapshots: number | undefined,
): void {
  if (news.kind === 'gone') {
    sessions.delete(news.id)
    return
  }
  const known = sessions.get(news.id)
  if (news.kind === 'opened') {
    if (known) known.takeNewer(news.session)
    else sessions.set(news.id, new MirroredSession(news.session))
    return
  }
  if (!known) return
  if (news.kind === 'appended') {
    // A change of which nothing was heard lies between.
    if (news.version > known.version) sessions.delete(news.id)
    else known.append(news.messages, known.snapshots !== snapshots)
    return
  }
  // What a later snapshot holds already.
  if (news.version <= known.version) return
  if (news.version > known.version + 1) {
    sessions.delete(news.id)
    return
  }
  known.version = news.version
  if (news.kind === 'edited') known.edit(news.edits)
  if (news.kind !== 'updated') return
  if (news.set.systemPrompt !== undefined) known.systemPrompt = news.set.systemPrompt
  if (news.set.messages) known.replace(news.set.messages)
}
