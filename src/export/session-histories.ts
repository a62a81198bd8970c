import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { ConversationMessage, identified } from '../messages/conversation.ts'
import { editHistory, HistoryEdit } from '../messages/edit-history.ts'
import { CallModel } from '../messages/model.ts'
import { AppendMessages, CommitTurn, EditMessages, OpenSession, UpdateSession } from '../messages/session.ts'

/** What a run tells of one session. */
export interface SessionHistory {
  readonly id: string
  systemPrompt: string | null
  messages: ConversationMessage[]
  /** How turns ended; of those that were there before the run began nothing is known. */
  readonly ends: Map<string, string>
  /** Names of the tools that a turn was offered. */
  readonly tools: Map<string, Set<string>>
  /** Whether a turn asked for several calls at once, where it said so. */
  readonly parallel: Map<string, boolean>
}

const Messages = z.array(z.unknown()).transform((all) => {
  return all.flatMap((one) => ConversationMessage.safeParse(one).data ?? [])
})
const Opened = z.looseObject({ id: z.string(), systemPrompt: z.string().nullish(), messages: Messages })
const Appended = z.looseObject({ messages: Messages })
const Committed = z.looseObject({ turn: z.string(), status: z.string() })
const Updated = z.looseObject({ systemPrompt: z.string().nullish(), messages: Messages.optional() })
const Edited = z.looseObject({ edits: z.array(HistoryEdit) })
const Asked = z.looseObject({
  tools: z.array(z.string()).optional(),
  parallelToolCalls: z.boolean().optional(),
})

const CHANGES: ReadonlySet<string> = new Set([
  AppendMessages.type,
  CommitTurn.type,
  EditMessages.type,
  UpdateSession.type,
])

/** Puts the histories of sessions together from the commands that made them. What has another shape than its type is passed over. */
export class SessionHistories {
  readonly sessions = new Map<string, SessionHistory>()
  /** Commands that change a session, until it is known that they did. */
  #changing = new Map<string, JournalRecord>()

  take(record: JournalRecord): void {
    const { kind, type, id, of = '', session, status } = record
    if (kind === 'result' && type === OpenSession.type && status === 'ok') this.#open(record)
    if (session === undefined) return
    if (kind === 'command' && type === CallModel.type) this.#offer(this.#of(session), record)
    if (kind === 'command' && id !== undefined && CHANGES.has(type)) this.#changing.set(id, record)
    const change = kind === 'result' ? this.#changing.get(of) : undefined
    this.#changing.delete(of)
    if (change && status === 'ok') apply(this.#of(session), change)
  }

  /** A session that is opened again is the one that is known. */
  #open({ output }: JournalRecord): void {
    const opened = Opened.safeParse(output).data
    if (!opened || this.sessions.has(opened.id)) return
    const session = this.#of(opened.id)
    session.systemPrompt = opened.systemPrompt ?? null
    session.messages = opened.messages
  }

  #of(id: string): SessionHistory {
    const known = this.sessions.get(id)
    if (known) return known
    const none = { ends: new Map<string, string>(), tools: new Map(), parallel: new Map() }
    const session: SessionHistory = { id, systemPrompt: null, messages: [], ...none }
    this.sessions.set(id, session)
    return session
  }

  #offer({ tools, parallel }: SessionHistory, { turn = '', data }: JournalRecord): void {
    const asked = Asked.safeParse(data).data
    if (asked?.parallelToolCalls !== undefined) parallel.set(turn, asked.parallelToolCalls)
    if (asked?.tools) tools.set(turn, new Set([...(tools.get(turn) ?? []), ...asked.tools]))
  }
}

function apply(session: SessionHistory, { type, id = '', turn, data }: JournalRecord): void {
  if (type === AppendMessages.type) {
    if (turn !== undefined) session.ends.set(turn, 'interrupted')
    const messages = Appended.safeParse(data).data?.messages ?? []
    // Not by a spread: one of very many overflows the stack.
    for (const message of identified(messages, { id, turn })) session.messages.push(message)
  }
  if (type === CommitTurn.type) {
    const committed = Committed.safeParse(data).data
    if (committed) session.ends.set(committed.turn, committed.status)
  }
  if (type === UpdateSession.type) {
    const updated = Updated.safeParse(data).data
    if (updated?.systemPrompt !== undefined) session.systemPrompt = updated.systemPrompt
    if (updated?.messages) session.messages = updated.messages
  }
  if (type === EditMessages.type) {
    const edits = Edited.safeParse(data).data?.edits ?? []
    try {
      session.messages = editHistory(session.messages, edits)
    } catch {
      // It worked on a history that this run does not tell the whole of: what it changed is not in here.
    }
  }
}
