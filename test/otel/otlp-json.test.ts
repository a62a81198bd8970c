import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import { BatchSpanProcessor, type SpanExporter as OfficialExporter } from '@opentelemetry/sdk-trace-base'
import { exportOtlp, openTelemetry, type FinishedSpan, type SpanExporter } from 'busline/otel'
import { expect, test } from 'vitest'
import { realRun } from './fixtures/real-run.ts'

test('OTLP/JSON is what the official serializer writes', async () => {
  const spans: FinishedSpan[] = []
  const exporter: SpanExporter = {
    export(batch, done) {
      spans.push(...batch)
      done({ code: 0 })
    },
  }
  const records = await realRun(openTelemetry({ exporter, content: true }))
  const official: unknown = JSON.parse(new TextDecoder().decode(JsonTraceSerializer.serializeRequest(spans)))
  const ours: unknown[] = []
  for await (const request of exportOtlp(records, { content: true })) ours.push(request)
  expect(ours).toHaveLength(1)
  expect(plain(ours[0])).toEqual(plain(official))
})

/** They leave fields without a value out or in, and write integers as numbers. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, field: unknown) => {
      const isEmpty = Array.isArray(field) && field.length === 0 && key !== 'values'
      if (isEmpty || (key.startsWith('dropped') && field === 0)) return undefined
      return key === 'intValue' || key.endsWith('UnixNano') ? String(field) : field
    }),
  )
}

test('an exporter of the SDK is one for us, and our spans are ones for its processor', async () => {
  const names: string[] = []
  const official: OfficialExporter = {
    export(batch, done) {
      names.push(...batch.map(({ name }) => name))
      done({ code: 0 })
    },
    async shutdown() {},
  }
  const processor = new BatchSpanProcessor(official)
  const exporter: SpanExporter = {
    export(batch, done) {
      for (const span of batch) processor.onEnd(span)
      done({ code: 0 })
    },
    forceFlush: () => processor.forceFlush(),
  }
  await realRun(openTelemetry({ exporter }), openTelemetry({ exporter: official }))
  expect(names.filter((name) => name === 'execute_tool calculate')).toHaveLength(2)
  await processor.shutdown()
})
