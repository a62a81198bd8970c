import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import type { HistoryEdit } from '../messages/edit-history.ts'
import type { Session } from '../messages/session.ts'

const Called = z.object({ call: z.string(), name: z.string(), arguments: z.unknown() })
const Wishes = z.looseObject({ model: z.string() })

/**
 * The edits of a history that a change of the fork's line asks for: a tool call that is made with other arguments, in the
 * model's message as well, because whoever goes on reads that; and another model for a turn that had asked for one of its own.
 */
export function carriedEdits(
  { messages, openTurn }: Session,
  { model, call }: { model?: string | null | undefined; call?: JournalRecord | undefined },
): HistoryEdit[] {
  const edits: HistoryEdit[] = []
  for (const { id, turn, role, meta } of messages) {
    const wishes = Wishes.safeParse(meta?.['wishes'])
    if (typeof model !== 'string' || id === undefined || role !== 'user' || turn !== openTurn) continue
    if (turn === undefined || !wishes.success) continue
    edits.push({ op: 'mark', ids: [id], meta: { wishes: { ...wishes.data, model } } })
  }
  const called = Called.safeParse(call?.data)
  if (!called.success) return edits

  const { call: callId, name } = called.data
  const caller = messages.findLast(({ tool_calls = [] }) => tool_calls.some(({ id }) => id === callId))
  if (caller?.id === undefined) return edits
  const toolCalls = caller.tool_calls?.map((part) =>
    part.id === callId
      ? { ...part, function: { ...part.function, name, arguments: textOf(called.data.arguments) } }
      : part,
  )
  edits.push({ op: 'update', id: caller.id, set: { tool_calls: toolCalls } })
  return edits
}

/** What is no object stands in the message as the raw text that it came as. */
function textOf(given: unknown): string {
  return typeof given === 'string' ? given : (JSON.stringify(given) ?? '{}')
}
