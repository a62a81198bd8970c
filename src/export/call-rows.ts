import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { TokenUsage } from '../messages/conversation.ts'
import { CallModel } from '../messages/model.ts'
import { CallTool } from '../messages/tool.ts'
import { chunkTime } from './chunk-time.ts'
import type { Cell } from './csv-cell.ts'
import { numberCell, textCell, timeCell } from './record-row.ts'
import { plainJson } from './plain-text.ts'

/** The columns of the table `calls`: one row a `model.call` or `tool.call`. */
export const CALL_COLUMNS = [
  'id',
  'type',
  'name',
  'session',
  'turn',
  'cause',
  'line',
  'started',
  'ms',
  'first_chunk_ms',
  'status',
  'input_tokens',
  'output_tokens',
  'cached_tokens',
  'reasoning_tokens',
  'cost_usd',
  'finish_reason',
  'arguments',
  'result',
  'error_code',
  'error_message',
] as const

const Asked = z.looseObject({
  model: z.string().nullish().catch(null),
  name: z.string().optional().catch(undefined),
})
const Answered = z.looseObject({
  usage: TokenUsage.nullish().catch(null),
  model: z.string().nullish().catch(null),
  cost: z.number().nullish().catch(null),
  finishReason: z.string().nullish().catch(null),
})

/** The rows, each when its call ends; calls without an end come last. A call's first chunk is looked for until it ends. */
export async function* callRows(records: AsyncIterable<JournalRecord>): AsyncGenerator<Cell[]> {
  const running = new Map<string, { began: JournalRecord; firstChunk: number | null }>()
  for await (const record of records) {
    const { kind, type, id, of = '', cause = '' } = record
    const isCall = type === CallModel.type || type === CallTool.type
    if (kind === 'command' && isCall && id !== undefined) running.set(id, { began: record, firstChunk: null })
    const speaking = running.get(cause)
    const heardAt = speaking && chunkTime(record)
    // A batch's line may come after a later one of another kind.
    if (speaking && heardAt !== undefined)
      speaking.firstChunk = Math.min(speaking.firstChunk ?? Infinity, heardAt - speaking.began.time)
    const call = kind === 'result' ? running.get(of) : undefined
    if (!call) continue
    running.delete(of)
    yield callRow(call.began, call.firstChunk, record)
  }
  for (const { began, firstChunk } of running.values()) yield callRow(began, firstChunk, undefined)
}

function callRow(began: JournalRecord, firstChunk: number | null, end: JournalRecord | undefined): Cell[] {
  const { id, type, session, turn, cause, seq, time, data } = began
  const asked = Asked.safeParse(data).data
  const told = type === CallModel.type ? Answered.safeParse(end?.output ?? end?.error?.data).data : undefined
  const { usage, cost, finishReason, model } = told ?? {}
  const args =
    type === CallTool.type && typeof data === 'object' && data && 'arguments' in data
      ? data.arguments
      : undefined
  return [
    textCell(id),
    type,
    textCell(type === CallModel.type ? (model ?? asked?.model) : asked?.name),
    ...[session, turn, cause].map(textCell),
    seq + 1,
    timeCell(time),
    numberCell(end?.ms),
    firstChunk,
    textCell(end ? end.status : 'interrupted'),
    ...[usage?.inputTokens, usage?.outputTokens, usage?.cachedTokens, usage?.reasoningTokens, cost].map(
      numberCell,
    ),
    textCell(finishReason),
    args === undefined ? null : plainJson(args),
    type === CallTool.type && end?.status === 'ok' ? plainJson(end.output) : null,
    textCell(end?.error?.code),
    textCell(end?.error?.message),
  ]
}
