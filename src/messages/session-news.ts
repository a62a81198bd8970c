import { identified, type ConversationMessage } from './conversation.ts'
import type { HistoryEdit } from './edit-history.ts'
import {
  AppendMessages,
  CloseSession,
  CommitTurn,
  DeleteSession,
  EditMessages,
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
  | { kind: 'edited'; id: string; version: number; edits: HistoryEdit[] }
  | { kind: 'gone'; id: string }

/** The fields that an update sets; an absent one stays as it is. */
export interface SessionFields {
  model?: string | null | undefined
  systemPrompt?: string | null | undefined
  context?: Session['context'] | undefined
  patchContext?: Session['context'] | undefined
  messages?: ConversationMessage[]
}

/** The commands that change which sessions are open, or what they hold. */
export const SESSION_CHANGES = [
  OpenSession,
  AppendMessages,
  CommitTurn,
  UpdateSession,
  EditMessages,
  CloseSession,
  DeleteSession,
] as const

/**
 * Reads the news from one of {@link SESSION_CHANGES} and its result, as a middleware sees them; undefined for any other
 * message. Messages that came without ids have them here, the same as in the store.
 */
export function sessionNews(command: ChangingCommand, outcome: unknown): SessionNews | undefined {
  // Several keep up with the sessions of one bus, and hear of the same command.
  const known = told.get(command)
  if (known && known.outcome === outcome) return known.news
  const news = read(command, outcome)
  told.set(command, { outcome, news })
  return news
}

interface ChangingCommand {
  readonly type: string
  readonly id: string
  readonly session: string | undefined
  readonly turn: string | undefined
  readonly data: unknown
}

const told = new WeakMap<ChangingCommand, { outcome: unknown; news: SessionNews | undefined }>()

function read(command: ChangingCommand, outcome: unknown): SessionNews | undefined {
  const { type, data, session: id } = command
  if (type === OpenSession.type) {
    const session = checked(outcome)
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
  if (type === EditMessages.type) {
    const edits = identifiedEdits(EditMessages.input.parse(data).edits, command)
    return { kind: 'edited', id, ...EditMessages.output.parse(outcome), edits }
  }
  if (type !== UpdateSession.type) return undefined

  const { model, systemPrompt, context, patchContext, messages } = UpdateSession.input.parse(data)
  const set = {
    model,
    systemPrompt,
    context,
    patchContext,
    ...(messages && { messages: identified(messages, command) }),
  }
  return { kind: 'updated', id, ...UpdateSession.output.parse(outcome), set }
}

const trusted = new WeakMap<object, Session>()

/**
 * Marks a session as checked by the store that hands it out, so that those who keep up with it do not validate its whole
 * history again. It must not change any more.
 */
export function trustSession(session: Session): Session {
  trusted.set(session, session)
  return session
}

/** A session as a store handed it out, validated once for all who look at it. */
function checked(outcome: unknown): Session {
  const known = typeof outcome === 'object' && outcome !== null ? trusted.get(outcome) : undefined
  if (known) return known
  const session = Session.parse(outcome)
  if (typeof outcome === 'object' && outcome !== null) trusted.set(outcome, session)
  return session
}

/** Edits whose inserted messages have the ids that they lack, the same wherever it is worked out. */
export function identifiedEdits(
  edits: readonly HistoryEdit[],
  command: { id: string; turn: string | undefined },
): HistoryEdit[] {
  return edits.map((edit, place) =>
    edit.op === 'insert'
      ? { ...edit, messages: identified(edit.messages, { ...command, id: `${command.id}/${place}` }) }
      : edit,
  )
}

/** A session's free context after keys of it were set, or with null removed. */
export function patchedContext(context: Session['context'], patch: Session['context']): Session['context'] {
  const next = { ...context, ...patch }
  // A null that the context held before is a value like any other.
  for (const [key, value] of Object.entries(patch)) if (value === null) delete next[key]
  return next
}
