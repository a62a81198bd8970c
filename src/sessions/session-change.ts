import * as z from 'zod'
import { Session } from '../messages/session.ts'

/** Messages were appended: `at` is how many there were before, `from` the version, which an append leaves alone. */
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

/** Fields were set; one that is absent stays. */
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
    }).partial(),
  })
  .refine(({ from, version }) => version === from + 1, raisedOnce)

/** One change of a session, as a line of a tail file holds it. It says itself to which state it applies. */
export type SessionChange = z.output<typeof Appended> | z.output<typeof Committed> | z.output<typeof Updated>

/**
 * Where a change stands to a session: it is the `next` one, the session holds it already (`contained`: the line
 * outlived the fold that took it in), or something is missing between them (`gap`).
 */
export function placeOf(change: SessionChange, session: Session): 'contained' | 'gap' | 'next' {
  if (change.from !== session.version) return change.from < session.version ? 'contained' : 'gap'
  if (!('at' in change) || change.at === session.messages.length) return 'next'
  return change.at < session.messages.length ? 'contained' : 'gap'
}

/** Changes the session in place, at the cost of the change and not of the session. */
export function applyChange(session: Session, change: SessionChange): void {
  session.updatedAt = change.time
  if ('at' in change) {
    // Not push(...messages): a spread of very many overflows the stack.
    for (const message of change.messages) session.messages.push(message)
    return
  }
  session.version = change.version
  if (!('set' in change)) return

  const { name, model, systemPrompt, context, messages } = change.set
  if (name !== undefined) session.name = name
  if (model !== undefined) session.model = model
  if (systemPrompt !== undefined) session.systemPrompt = systemPrompt
  if (context !== undefined) session.context = context
  if (messages !== undefined) session.messages = messages
}
