import type { JournalRecord } from '../bus/journal.ts'
import type { FinishedSpan } from './finished-span.ts'
import type { RecordSpans } from './record-spans.ts'

/** As many spans as the SDK's batch processor sends at once by default. */
export const SPANS_A_BATCH = 512
/** Characters of attributes after which a batch is full: servers take 4 MB or more. */
const LONGEST_BATCH = 1_000_000

/** The spans of records in batches, those without an end last. */
export async function* spanBatches(
  records: AsyncIterable<JournalRecord> | Iterable<JournalRecord>,
  spans: RecordSpans,
  most = SPANS_A_BATCH,
): AsyncGenerator<FinishedSpan[]> {
  let batch: FinishedSpan[] = []
  let length = 0
  const isFull = (span: FinishedSpan): boolean => {
    batch.push(span)
    length += lengthOf(span)
    return batch.length >= most || length >= LONGEST_BATCH
  }
  const full = (): FinishedSpan[] => {
    const done = batch
    batch = []
    length = 0
    return done
  }
  for await (const record of records) for (const span of spans.take(record)) if (isFull(span)) yield full()
  for (const span of spans.unfinished()) if (isFull(span)) yield full()
  if (batch.length > 0) yield full()
}

/** About how much room a span takes in a request. */
export function lengthOf({ attributes, events, status }: FinishedSpan): number {
  let length = 500 + events.length * 150 + (status.message?.length ?? 0)
  for (const value of Object.values(attributes)) length += typeof value === 'string' ? value.length : 20
  return length
}
