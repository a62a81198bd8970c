import * as z from 'zod'
import { HistoryEdit, prepareEdits } from '../messages/edit-history.ts'
import { patchedContext } from '../messages/session-news.ts'
import { Session, UpdateSession } from '../messages/session.ts'

/**
 * Messages were appended: `at` is how many there were before, `from` the version, which an append leaves alone. `turn` is
 * that of the scope; it opens with the line that holds its first message, `<turn>/0`.
 */
export const Appended = z.object({
  at: z.number(),
  from: z.number(),
  time: z.number(),
  turn: z.string().optional(),
  messages: Session.shape.messages,
})

const raisedOnce = { error: 'must be one more than from', path: ['version'] }

/** A turn ended; `from` is the version before, `version` the one after. */
export const Committed = z
  .object({ from: z.number(), version: z.number(), time: z.number(), turn: z.string(), status: z.string() })
  .refine(({ from, version }) => version === from + 1, raisedOnce)

/** Fields were set; one that is absent stays. `patchContext` sets keys of the context, after `context` replaced it. */
export const Updated = z
  .object({
    from: z.number(),
    version: z.number(),
    time: z.number(),
    set: Session.pick({
      name: true,
      model: true,
      systemPrompt: true,
      context: true,
      messages: true,
    })
      .partial()
      .extend({ patchContext: UpdateSession.input.shape.patchContext }),
  })
  .refine(({ from, version }) => version === from + 1, raisedOnce)

/** The history was edited. */
export const Edited = z
  .object({ from: z.number(), version: z.number(), time: z.number(), edits: z.array(HistoryEdit) })
  .refine(({ from, version }) => version === from + 1, raisedOnce)

/** One change of a session, as a line of a tail file holds it. It says itself to which state it applies. */
export type SessionChange =
  | z.output<typeof Appended>
  | z.output<typeof Committed>
  | z.output<typeof Updated>
  | z.output<typeof Edited>

/**
 * Where a change stands to a session: it is the `next` one, the session holds it already (`contained`: the line
 * outlived the fold that took it in), or something is missing between them (`gap`).
 */
export function placeOf(change: SessionChange, session: Session): 'contained' | 'gap' | 'next' {
  if (change.from !== session.version) return change.from < session.version ? 'contained' : 'gap'
  if (!('at' in change) || change.at === session.messages.length) return 'next'
  return change.at < session.messages.length ? 'contained' : 'gap'
}

/**
 * Works out what a change comes to: calling the result changes the session in place, at the cost of the change and not
 * of the session, and can't fail.
 *
 * @throws BuslineError `MESSAGE_NOT_FOUND`, `VALIDATION_FAILED` for edits that do not fit the history
 */
export function prepareChange(session: Session, change: SessionChange): () => void {
  if ('edits' in change) {
    const edit = prepareEdits(session.messages, change.edits)
    return () => {
      edit()
      session.updatedAt = change.time
      session.version = change.version
    }
  }
  return () => applyChange(session, change)
}

function applyChange(session: Session, change: Exclude<SessionChange, z.output<typeof Edited>>): void {
  session.updatedAt = change.time
  if ('at' in change) {
    // Not push(...messages): a spread of very many overflows the stack.
    for (const message of change.messages) session.messages.push(message)
    if (change.turn !== undefined && begins(change.turn, change.messages)) session.openTurn = change.turn
    return
  }
  session.version = change.version
  if (!('set' in change)) {
    if (session.openTurn === change.turn) delete session.openTurn
    return
  }
  const { name, model, systemPrompt, context, patchContext, messages } = change.set
  if (name !== undefined) session.name = name
  if (model !== undefined) session.model = model
  if (systemPrompt !== undefined) session.systemPrompt = systemPrompt
  if (context !== undefined) session.context = context
  if (patchContext !== undefined) session.context = patchedContext(session.context, patchContext)
  if (messages === undefined) return
  session.messages = messages
  // What it had begun is not there any more.
  delete session.openTurn
}

/**
 * Only the first message of a turn opens it. What else carries the id of a turn may come after its end: whoever hears
 * of that acts in the turn's scope.
 */
function begins(turn: string, messages: Session['messages']): boolean {
  const first = `${turn}/0`
  return messages.some(({ id }) => id === first)
}
