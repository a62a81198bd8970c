import * as z from 'zod'
import { ConversationMessage, HistoryMessage, idsOf, TrustedMessages } from './conversation.ts'
import { defineCommand } from './define-command.ts'
import { HistoryEdit } from './edit-history.ts'

/**
 * One conversation. `version` is raised once by each commit and each update; times are epoch milliseconds. `openTurn` is
 * the turn that was begun and not committed: one that runs, or that a crash interrupted. A turn begins with the append, in
 * its scope, of its first message, whose id is `<turn>/0`; what else is appended in its scope may come after its end.
 */
export const Session = z.object({
  v: z.literal(1),
  id: z.string(),
  name: z.string().nullable(),
  version: z.number(),
  model: z.string().nullable(),
  systemPrompt: z.string().nullable(),
  createdAt: z.number(),
  updatedAt: z.number(),
  context: z.record(z.string(), z.json()),
  messages: z.array(ConversationMessage),
  openTurn: z.string().optional(),
})
export type Session = z.output<typeof Session>

/** One line of a listing; `turns` counts the turns that have messages in the session. */
export const SessionSummary = z.object({
  id: z.string(),
  name: z.string().nullable(),
  model: z.string().nullable(),
  turns: z.number(),
  updatedAt: z.number(),
})
export type SessionSummary = z.output<typeof SessionSummary>

const Version = z.object({ version: z.number() })

/**
 * Opens a session, or creates it. Without an `id` the scope's session is meant, without that a new id is made.
 * `name`, `model` and `systemPrompt` are for a session that has none yet. With `create: false` one that does not exist is
 * refused with `SESSION_NOT_FOUND` (default: it is created). The result is the whole session,
 * and holds it in the journal once.
 */
export const OpenSession = defineCommand('session.open', {
  input: z.object({
    id: z.string().optional(),
    name: z.string().optional(),
    model: z.string().optional(),
    systemPrompt: z.string().optional(),
    create: z.boolean().optional(),
  }),
  output: Session,
})

/** Appends messages to the scope's session. Refused with `VERSION_CONFLICT` unless `version` is the current one. */
export const AppendMessages = defineCommand('session.append', {
  input: z.object({ messages: z.array(HistoryMessage), version: z.number() }),
  output: Version,
})

/** Marks a turn of the scope's session as ended and raises the version once. */
export const CommitTurn = defineCommand('session.commit', {
  input: z.object({
    turn: z.string(),
    status: z.enum(['ok', 'error', 'cancelled', 'timeout', 'interrupted']),
    version: z.number(),
  }),
  output: Version,
  effect: true,
})

/**
 * Changes fields of the scope's session; null unsets one; `context` replaces the free context, `patchContext` sets keys of it
 * (null removes one); `messages` replaces the whole history (`[]` clears it, the system prompt stays). Refused with `VERSION_CONFLICT` when a `version` is given and is not the current one.
 */
export const UpdateSession = defineCommand('session.update', {
  input: z.object({
    name: z.string().nullable().optional(),
    model: z.string().nullable().optional(),
    systemPrompt: z.string().nullable().optional(),
    context: z.record(z.string(), z.json()).optional(),
    patchContext: z.record(z.string(), z.json()).optional(),
    messages: z.array(HistoryMessage).optional(),
    version: z.number().optional(),
  }),
  output: Version,
})

/**
 * Edits the history of the scope's session, all edits or none: `MESSAGE_NOT_FOUND` for an unknown id. Refused with
 * `VERSION_CONFLICT` when a `version` is given and is not the current one.
 */
export const EditMessages = defineCommand('session.edit', {
  input: z.object({ edits: z.array(HistoryEdit).min(1), version: z.number().optional() }),
  output: Version,
})

/**
 * Finds messages of the scope's session by a query in the manner of MongoDB (`{ role: 'user', 'meta.tags': { $in: ['x'] } }`),
 * oldest first unless `newest` comes first. `INVALID_QUERY` for an operator that there is not.
 */
export const FindMessages = defineCommand('session.find', {
  input: z.object({
    where: z.record(z.string(), z.unknown()).optional(),
    order: z.enum(['oldest', 'newest']).optional(),
    limit: z.number().int().positive().optional(),
  }),
  output: TrustedMessages,
  recordOutput: (messages) => idsOf(messages),
})

/** Lists the sessions of the store, last updated first. */
export const ListSessions = defineCommand('session.list', {
  input: z.object({}),
  output: z.array(SessionSummary),
})

/** Deletes one session exactly; `SESSION_NOT_FOUND` when there is none. */
export const DeleteSession = defineCommand('session.delete', {
  input: z.object({ id: z.string() }),
  output: z.object({}),
})

/**
 * Lets go of the scope's session: what holds it in memory forgets it, and other processes may open it. Refused with
 * `SESSION_BUSY` while a turn of it runs on the bus (`chat.runTurn`, `chat.continueTurn`); one that a crash interrupted is no hindrance.
 */
export const CloseSession = defineCommand('session.close', {
  input: z.object({}),
  output: z.object({}),
})
