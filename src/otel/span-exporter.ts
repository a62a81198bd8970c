import type { FinishedSpan } from './finished-span.ts'

/** What an exporter says of a batch: 0 is well, as in OpenTelemetry's `ExportResultCode`. */
export interface ExportOutcome {
  code: number
  error?: Error
}

/** Takes batches of spans: any span exporter of OpenTelemetry's SDK, or {@link otlpExporter}. */
export interface SpanExporter {
  export(spans: FinishedSpan[], done: (outcome: ExportOutcome) => void): void
  forceFlush?(): Promise<void>
}
