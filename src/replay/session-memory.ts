import type { ConversationMessage } from '../messages/conversation.ts'
import { AppendMessages, EditMessages, OpenSession, Session, UpdateSession } from '../messages/session.ts'
import { sessionNews } from '../messages/session-news.ts'
import type { Expected, RecordedRun } from './recorded-run.ts'

const CHANGES = new Set([OpenSession.type, AppendMessages.type, UpdateSession.type, EditMessages.type])

/** The messages that a run's sessions had when a line was written, by id: where a record names them, it holds them no more. */
export function messagesUpTo(run: RecordedRun, end: Expected): Map<string, ConversationMessage> {
  const messages = new Map<string, ConversationMessage>()
  const keep = (found: readonly ConversationMessage[]): void => {
    for (const message of found) if (message.id !== undefined) messages.set(message.id, message)
  }
  for (const { record } of run.lines.slice(0, end.place)) {
    if (record.kind !== 'result' || record.status !== 'ok' || !CHANGES.has(record.type)) continue
    const command = run.message(record.of ?? '')?.record
    if (command?.id === undefined) continue
    const { type, id, session, turn, data } = command
    const news = sessionNews({ type, id, session, turn, data }, record.output)
    if (news?.kind === 'opened') keep(Session.parse(news.session).messages)
    if (news?.kind === 'appended') keep(news.messages)
    if (news?.kind === 'updated') keep(news.set.messages ?? [])
    if (news?.kind === 'edited')
      keep(news.edits.flatMap((edit) => (edit.op === 'insert' ? edit.messages : [])))
  }
  return messages
}
