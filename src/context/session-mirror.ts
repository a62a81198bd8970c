import type { Bus } from '../bus/bus.ts'
import { SESSION_CHANGES, sessionNews, type SessionNews } from '../messages/session-news.ts'
import { MirroredSession } from './mirrored-session.ts'

/**
 * Keeps the open sessions at hand by watching the commands that open and change them, whichever store handles those:
 * so a step reads the history without asking for it, and the journal does not hold it again.
 */
export function mirrorSessions(bus: Bus): Map<string, MirroredSession> {
  const sessions = new Map<string, MirroredSession>()
  bus.use(
    async function mirrorSessions(message, next) {
      const outcome = await next()
      const news = sessionNews(message, outcome)
      if (news) follow(sessions, news)
      return outcome
    },
    { for: SESSION_CHANGES },
  )
  return sessions
}

function follow(sessions: Map<string, MirroredSession>, news: SessionNews): void {
  if (news.kind === 'gone') {
    sessions.delete(news.id)
    return
  }
  if (news.kind === 'opened') {
    const { systemPrompt, messages } = news.session
    sessions.set(news.id, new MirroredSession(systemPrompt, messages))
    return
  }
  const session = sessions.get(news.id)
  if (!session || news.kind === 'committed') return
  if (news.kind === 'appended') session.append(news.messages)
  else if (news.kind === 'edited') session.edit(news.edits)
  else {
    if (news.set.systemPrompt !== undefined) session.systemPrompt = news.set.systemPrompt
    if (news.set.messages) session.replace(news.set.messages)
  }
}
