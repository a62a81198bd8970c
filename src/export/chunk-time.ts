import * as z from 'zod'
import type { JournalRecord } from '../bus/journal.ts'
import { ModelReasoningReceived, ModelTextReceived, ModelToolCallStarted } from '../messages/model.ts'

const Deltas = z.looseObject({ deltas: z.array(z.tuple([z.number(), z.string()])) })

const CHUNKS: ReadonlySet<string> = new Set([
  ModelTextReceived.type,
  ModelReasoningReceived.type,
  ModelToolCallStarted.type,
])

/** When something of a model's answer arrived, in epoch milliseconds; undefined for any other record. */
export function chunkTime({ kind, type, time, data }: JournalRecord): number | undefined {
  if (kind !== 'event' || !CHUNKS.has(type)) return undefined
  // A batch tells when each of its deltas came, from its own time on.
  return time + (Deltas.safeParse(data).data?.deltas[0]?.[0] ?? 0)
}
