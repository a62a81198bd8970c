import { identified, type ConversationMessage } from './conversation.ts'
import {
  AppendMessages,
  CloseSession,
  CommitTurn,
  DeleteSession,
  OpenSession,
  Session,
  UpdateSession,
} from './session.ts'

/** What a session command that succeeded tells of its session, for whoever keeps up with the open ones. */
export type SessionNews =
  | { kind: 'opened'; id: string; session: Session }
  | { kind: 'appended'; id: string; version: number; messages: ConversationMessage[] }
  | { kind: 'committed'; id: string; version: number }
  | { kind: 'updated'; id: string; version: number; set: SessionFields }
  | { kind: 'gone'; id: string }

/** The fields that an update sets; an absent one stays as it is. */
export interface SessionFields {
  model?: string | null | undefined
  systemPrompt?: string | null | undefined
  messages?: ConversationMessage[]
}

/** The commands that change which sessions are open, or what they hold. */
export const SESSION_CHANGES = [
  OpenSession,
  AppendMessages,
  CommitTurn,
  UpdateSession,
  CloseSession,
  DeleteSession,
] as const

/**
 * Reads the news from one of {@link SESSION_CHANGES} and its result, as a middleware sees them; undefined for any other
 * message. Messages that came without ids have them here, the same as in the store.
 */
export function sessionNews(
  command: { type: string; id: string; session: string | undefined; turn: string | undefined; data: unknown },
  outcome: unknown,
): SessionNews | undefined {
  const { type, data, session: id } = command
  if (type === OpenSession.type) {
    const session = Session.parse(outcome)
    return { kind: 'opened', id: session.id, session }
  }
  if (type === DeleteSession.type) return { kind: 'gone', id: DeleteSession.input.parse(data).id }
  if (id === undefined) return undefined
  if (type === CloseSession.type) return { kind: 'gone', id }
  if (type === CommitTurn.type) return { kind: 'committed', id, ...CommitTurn.output.parse(outcome) }
  if (type === AppendMessages.type) {
    const messages = identified(AppendMessages.input.parse(data).messages, command)
    return { kind: 'appended', id, ...AppendMessages.output.parse(outcome), messages }
  }
  if (type !== UpdateSession.type) return undefined

  const { model, systemPrompt, messages } = UpdateSession.input.parse(data)
  const set = { model, systemPrompt, ...(messages && { messages: identified(messages, command) }) }
  return { kind: 'updated', id, ...UpdateSession.output.parse(outcome), set }
}
