import type { FinishedSpan } from './finished-span.ts'

/** What an exporter says of a batch: 0 is well, as in OpenTelemetry's `ExportResultCode`. */
export interface ExportOutcome {
  code: number
  error?: Error
}

/** Takes batches of spans: any span exporter of OpenTelemetry's SDK, or {@link otlpExporter}. */
export interface SpanExporter {
  /** `signal` aborts when nobody waits for the batch any more; exporters of the SDK don't look at it. */
  export(spans: FinishedSpan[], done: (outcome: ExportOutcome) => void, signal: AbortSignal): void
  forceFlush?(): Promise<void>
}
