import type { FinishedSpan } from './finished-span.ts'
import type { OtlpOptions } from './otlp-options.ts'
import { OtlpSender } from './otlp-sender.ts'
import type { ExportOutcome, SpanExporter } from './span-exporter.ts'

/**
 * An exporter that sends OTLP over HTTP by itself, so that no further package is needed.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function otlpExporter(options: OtlpOptions): SpanExporter {
  const sender = new OtlpSender(options)
  const outcomeOf = async (spans: FinishedSpan[], signal: AbortSignal): Promise<ExportOutcome> => {
    try {
      const { rejected, warning = 'without a reason' } = await sender.send(spans, signal)
      if (rejected === 0) return { code: 0 }
      return {
        code: 1,
        error: new Error(
          `The server refused ${rejected === 1 ? '1 span' : `${rejected} spans`}: ${warning}.`,
        ),
      }
    } catch (error) {
      return { code: 1, error: error instanceof Error ? error : new Error(String(error)) }
    }
  }
  return {
    export(spans, done, signal) {
      void (async () => done(await outcomeOf(spans, signal)))()
    },
  }
}
