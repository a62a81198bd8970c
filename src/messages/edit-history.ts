import * as z from 'zod'
import { BuslineError } from './busline-error.ts'
import { ConversationMessage } from './conversation.ts'
import { forgetPlaces, placesOf } from './message-places.ts'

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

type InPlace = Extract<HistoryEdit, { op: 'mark' | 'replace' | 'update' }>

/**
 * The history after some edits, one after another; the messages that were there are not changed. `update` sets fields of a
 * message, `mark` of its `meta` (of several messages); `insert` puts messages behind one, at the beginning with `null`. Of
 * messages with one id the last is meant.
 *
 * @throws BuslineError `MESSAGE_NOT_FOUND` for an id that is not in the history, `VALIDATION_FAILED` for an update that makes
 * no message of it; then nothing has changed
 */
export function editHistory(
  messages: readonly ConversationMessage[],
  edits: readonly HistoryEdit[],
): ConversationMessage[] {
  const history = [...messages]
  prepareEdits(history, edits)()
  return history
}

/**
 * Works out what edits come to, for who owns the list: calling the result changes it, and can't fail. Where messages
 * are changed and none come or go, the cost is that of the edits, however long the history is.
 *
 * @throws BuslineError as {@link editHistory}; then nothing has changed
 */
export function prepareEdits(history: ConversationMessage[], edits: readonly HistoryEdit[]): () => void {
  const inPlace = edits.filter((edit) => edit.op !== 'insert' && edit.op !== 'delete')
  if (inPlace.length === edits.length) {
    const staged = stage(history, inPlace)
    return () => {
      for (const [place, message] of staged) history[place] = message
    }
  }
  let next = history
  for (const edit of edits) next = applyEdit(next, edit)
  return () => {
    forgetPlaces(history)
    // Not by splice: a spread of very many overflows the stack.
    history.length = 0
    for (const message of next) history.push(message)
  }
}

/** The messages that edits change, by their places. */
function stage(
  history: readonly ConversationMessage[],
  edits: readonly InPlace[],
): Map<number, ConversationMessage> {
  const places = placesOf(history)
  const staged = new Map<number, ConversationMessage>()
  for (const edit of edits) {
    for (const id of edit.op === 'mark' ? edit.ids : [edit.id]) {
      const place = places.get(id) ?? notFound(id)
      const message = staged.get(place) ?? history[place] ?? notFound(id)
      staged.set(place, changed(message, edit))
    }
  }
  return staged
}

function applyEdit(history: ConversationMessage[], edit: HistoryEdit): ConversationMessage[] {
  if (edit.op === 'insert') {
    const { after } = edit
    const place = after === null ? -1 : history.findLastIndex(({ id }) => id === after)
    if (after !== null && place === -1) notFound(after)
    return [...history.slice(0, place + 1), ...edit.messages, ...history.slice(place + 1)]
  }
  if (edit.op === 'delete') {
    const places = placesOf(history)
    const gone = new Set(edit.ids.map((id) => places.get(id) ?? notFound(id)))
    return history.filter((_message, place) => !gone.has(place))
  }
  const staged = stage(history, [edit])
  return history.map((message, place) => staged.get(place) ?? message)
}

function changed(message: ConversationMessage, edit: InPlace): ConversationMessage {
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
    `The edit makes no message of ${JSON.stringify(id)}: ${z.core.toDotPath(issue?.path ?? [])}: ${issue?.message}.`,
    { data: { id } },
  )
}

function patched(fields: Record<string, unknown>, patch: Record<string, unknown>): Record<string, unknown> {
  const next = { ...fields, ...patch }
  // A message's content may be null: that is how a server writes an answer that only calls tools.
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
