import * as z from 'zod'
import type { Bus, Participant } from '../bus/bus.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { defineEvent } from '../messages/define-event.ts'
import { Failure, failureOf } from '../messages/failure.ts'
import { ExportQueue } from './export-queue.ts'
import { RecordSpans } from './record-spans.ts'
import { SPANS_A_BATCH } from './span-batches.ts'
import type { SpanExporter } from './span-exporter.ts'
import { spanSettings, type SpanOptions } from './span-settings.ts'

/**
 * Spans could not be exported, and `lost` of them are gone. Told once, and again only after a batch that went well; the
 * journal has the whole run, and can be exported later.
 */
export const SpanExportFailed = defineEvent('otel.exportFailed', {
  data: z.object({ error: Failure, lost: z.number() }),
})

export interface OpenTelemetryOptions extends SpanOptions {
  /** Where spans go: `otlpExporter(…)`, or any span exporter of OpenTelemetry's SDK. Who made it shuts it down. */
  exporter: SpanExporter
  /** Milliseconds that a span waits for others to be sent with, default 1000. */
  delay?: number
  /** How many spans may wait, default 2048; what comes to a full queue is lost and told. */
  maxQueue?: number
  /** Milliseconds that the exporter has for one batch, default 30 000. */
  exportTimeout?: number
  /**
   * Milliseconds that leaving the bus waits for what is still to be sent, and then gives it up, default 900: less than `stop`
   * gives to any cleanup, so that a server that is down makes no stop fail. More needs a longer deadline of `stop`.
   */
  flushTimeout?: number
}

/**
 * A participant that exports what the bus does as OpenTelemetry spans while it runs: the same spans, ids and attributes that
 * `exportOtlp` makes of the run's journal. It reads the redacted records, off the bus's own path, and can neither block nor fail
 * it. One attachment exports what began after it.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function openTelemetry(options: OpenTelemetryOptions): Participant {
  const { exporter, delay = 1000, maxQueue = 2048, exportTimeout = 30_000, flushTimeout = 900 } = options
  const settings = spanSettings(options)
  if (typeof exporter?.export !== 'function')
    throw invalid('exporter', 'must be a span exporter, such as otlpExporter({ url })')
  for (const [option, ms] of Object.entries({ delay, exportTimeout, flushTimeout }))
    if (!(Number.isFinite(ms) && ms >= 0)) throw invalid(option, 'must be milliseconds, 0 or more')
  if (!Number.isInteger(maxQueue) || maxQueue < 1) throw invalid('maxQueue', 'must be a whole number above 0')

  return function openTelemetry(bus) {
    const spans = new RecordSpans(settings)
    const onFailure = (error: Error, lost: number): void => tell(bus, error, lost)
    const queue = new ExportQueue({ exporter, maxQueue, exportTimeout, onFailure })
    let isAwaited = false
    bus.tap(function openTelemetry(record) {
      for (const span of spans.take(record)) queue.push(span)
      if (queue.size === 0 || (isAwaited && queue.size < SPANS_A_BATCH)) return
      if (queue.size >= SPANS_A_BATCH) queueMicrotask(() => void queue.drain())
      if (isAwaited) return
      isAwaited = true
      bus.after(delay, () => {
        isAwaited = false
        void queue.drain()
      })
    })
    return async () => {
      for (const span of spans.unfinished()) queue.push(span)
      const flushed = queue.drain().then(() => exporter.forceFlush?.())
      await within(flushTimeout, flushed).catch((error: unknown) => {
        // What is late would keep the process, and come to a server of which nobody waits for an answer.
        const lost = queue.abandon()
        warn(
          `${failureOf(error).message}${lost > 0 ? ` ${lost === 1 ? '1 span was' : `${lost} spans were`} given up.` : ''}`,
        )
      })
    }
  }
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let limit: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    limit = setTimeout(() => reject(new Error(`It was not done within ${ms} ms, the flushTimeout.`)), ms)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(limit)
  }
}

function tell(bus: Bus, error: Error, lost: number): void {
  try {
    bus.publish(SpanExportFailed, { error: failureOf(error), lost })
  } catch (refusal) {
    // The bus has stopped meanwhile, so that its journal takes nothing more.
    const why = refusal instanceof BuslineError && refusal.code === 'BUS_STOPPED' ? error : refusal
    warn(failureOf(why).message)
  }
}

function warn(message: string): void {
  process.emitWarning(`Not all spans were exported. ${message}`, {
    type: 'BuslineWarning',
    code: 'EXPORT_FAILED',
  })
}

function invalid(option: string, problem: string): BuslineError {
  return new BuslineError('INVALID_OPTION', `${option} ${problem}.`, { data: { option } })
}
