import * as z from 'zod'
import { BuslineError } from './busline-error.ts'
import { ConversationMessage } from './conversation.ts'

const Ids = z.array(z.string()).min(1)
/** Fields to set; null takes one away. */
const Patch = z.record(z.string(), z.unknown())

/** One change of a history. Messages keep their ids; what is inserted has ids of its own. */
export const HistoryEdit = z.discriminatedUnion('op', [
  z.object({ op: z.literal('update'), id: z.string(), set: Patch }),
  z.object({ op: z.literal('mark'), ids: Ids, meta: Patch }),
  z.object({ op: z.literal('replace'), id: z.string(), message: ConversationMessage }),
  z.object({ op: z.literal('insert'), after: z.string().nullable(), messages: z.array(ConversationMessage) }),
  z.object({ op: z.literal('delete'), ids: Ids }),
])
export type HistoryEdit = z.output<typeof HistoryEdit>

/**
 * The history after some edits, one after another; the messages that were there are not changed. `update` sets fields of a
 * message, `mark` of its `meta` (of several messages); `insert` puts messages behind one, at the beginning with `null`.
 *
 * @throws BuslineError `MESSAGE_NOT_FOUND` for an id that is not in the history, `VALIDATION_FAILED` for an update that makes
 * no message of it; then nothing has changed
 */
export function editHistory(
  messages: readonly ConversationMessage[],
  edits: readonly HistoryEdit[],
): ConversationMessage[] {
  const places = new Map<string, number>()
  return edits.reduce<ConversationMessage[]>(
    (history, edit) => {
      places.clear()
      history.forEach(({ id }, place) => id !== undefined && places.set(id, place))
      return applyEdit(history, edit, (id) => places.get(id) ?? notFound(id))
    },
    [...messages],
  )
}

function applyEdit(
  history: ConversationMessage[],
  edit: HistoryEdit,
  placeOf: (id: string) => number,
): ConversationMessage[] {
  if (edit.op === 'insert') {
    history.splice(edit.after === null ? 0 : placeOf(edit.after) + 1, 0, ...edit.messages)
    return history
  }
  if (edit.op === 'delete') {
    const gone = new Set(edit.ids.map(placeOf))
    return history.filter((_message, place) => !gone.has(place))
  }
  const ids = edit.op === 'mark' ? edit.ids : [edit.id]
  for (const place of ids.map(placeOf)) {
    const message = history[place]
    if (message) history[place] = changed(message, edit)
  }
  return history
}

function changed(
  message: ConversationMessage,
  edit: Extract<HistoryEdit, { op: 'mark' | 'replace' | 'update' }>,
): ConversationMessage {
  // Its place in the history stays its own: who it is, and in which turn.
  const { id, turn } = message
  const own = { ...(id !== undefined && { id }), ...(turn !== undefined && { turn }) }
  if (edit.op === 'replace') return { ...edit.message, ...own }
  const next =
    edit.op === 'mark'
      ? { ...message, meta: patched(message.meta ?? {}, edit.meta) }
      : { ...patched(message, edit.set), ...own }
  const parsed = ConversationMessage.safeParse(next)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new BuslineError(
    'VALIDATION_FAILED',
    `The edit makes no message of ${id}: ${z.core.toDotPath(issue?.path ?? [])}: ${issue?.message}.`,
    { data: { id } },
  )
}

function patched(fields: Record<string, unknown>, patch: Record<string, unknown>): Record<string, unknown> {
  const next = { ...fields, ...patch }
  for (const [key, value] of Object.entries(patch)) if (value === null && key !== 'content') delete next[key]
  return next
}

function notFound(id: string): never {
  throw new BuslineError(
    'MESSAGE_NOT_FOUND',
    `The history has no message ${JSON.stringify(id)}. FindMessages tells which there are.`,
    { data: { id } },
  )
}
