import type { JournalRecord } from '../bus/journal.ts'
import type { FinishedSpan } from './finished-span.ts'
import { otlpRequest, type OtlpRequest } from './otlp-json.ts'
import type { OtlpOptions } from './otlp-options.ts'
import { OtlpSender } from './otlp-sender.ts'
import { RecordSpans } from './record-spans.ts'
import { spanBatches } from './span-batches.ts'
import { spanSettings, type SpanOptions } from './span-settings.ts'

/** What came of sending a run. `warnings` are what the server said, each once. */
export interface OtlpReport {
  readonly spans: number
  readonly accepted: number
  readonly rejected: number
  readonly requests: number
  readonly warnings: readonly string[]
}

/** What is told in a line costs several times its length in memory: a file needs no large ones. */
const SPANS_A_LINE = 64

type Records = AsyncIterable<JournalRecord> | Iterable<JournalRecord>

/**
 * A run as requests of OTLP's JSON, each ready to be a line or a body, of at most 64 spans. Commands without an end are
 * spans that end with the run, `interrupted`. In bounded memory, however long the run is.
 *
 * @throws BuslineError `INVALID_OPTION`; and what reading the records throws
 */
export async function* exportOtlp(records: Records, options: SpanOptions = {}): AsyncGenerator<OtlpRequest> {
  for await (const batch of batchesOf(records, options, SPANS_A_LINE)) yield otlpRequest(batch)
}

/**
 * Sends a run to a server. A batch that can't be sent ends it; what was sent before stays there, and sending the run again
 * gives the same ids.
 *
 * @throws BuslineError `INVALID_OPTION`, `EXPORT_FAILED`, `CANCELLED`; and what reading the records throws
 */
export async function sendOtlp(
  records: Records,
  options: SpanOptions & OtlpOptions & { signal?: AbortSignal },
): Promise<OtlpReport> {
  const sender = new OtlpSender(options)
  const report = { spans: 0, accepted: 0, rejected: 0, requests: 0 }
  const warnings = new Set<string>()
  for await (const batch of batchesOf(records, options)) {
    const { accepted, rejected, warning } = await sender.send(batch, options.signal)
    report.spans += batch.length
    report.accepted += accepted
    report.rejected += rejected
    report.requests++
    if (warning !== undefined && warnings.size < 100) warnings.add(warning)
  }
  return { ...report, warnings: [...warnings] }
}

function batchesOf(records: Records, options: SpanOptions, most?: number): AsyncGenerator<FinishedSpan[]> {
  return spanBatches(records, new RecordSpans(spanSettings(options)), most)
}
