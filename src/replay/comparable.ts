import type { JournalRecord } from '../bus/journal.ts'

/** A record without what time alone decides: when it was written, how long it took, how a text came in pieces. */
export function comparable({ seq: _seq, time: _time, ms: _ms, ...record }: JournalRecord): object {
  const text = textOfDeltas(record.data)
  if (text !== undefined) return { ...record, data: { text } }
  if (record.type !== 'bus.deadLettered' || typeof record.data !== 'object') return record
  return { ...record, data: { ...record.data, time: undefined } }
}

/** The text of a batch of deltas; undefined for any other data. */
function textOfDeltas(data: unknown): string | undefined {
  const deltas = deltasOf(data)
  return deltas?.map(([, text]) => text).join('')
}

/** The deltas of a batch; undefined for any other data. */
export function deltasOf(data: unknown): [dtMs: number, text: string][] | undefined {
  if (typeof data !== 'object' || data === null || !('deltas' in data)) return undefined
  const { deltas } = data
  return Array.isArray(deltas) && Object.keys(data).length === 1 && deltas.every(isDelta) ? deltas : undefined
}

function isDelta(delta: unknown): delta is [number, string] {
  return Array.isArray(delta) && typeof delta[0] === 'number' && typeof delta[1] === 'string'
}
