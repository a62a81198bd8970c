import type { Attributes, AttributeValue, FinishedSpan, HrTime, SpanEvent } from './finished-span.ts'

/** A value as OTLP has it: one field, named after its type. 64-bit integers are strings, as proto3's JSON wants them. */
export type OtlpValue =
  | { stringValue: string }
  | { boolValue: boolean }
  | { intValue: string }
  | { doubleValue: number }
  | { arrayValue: { values: OtlpValue[] } }

export interface OtlpAttribute {
  key: string
  value: OtlpValue
}

export interface OtlpSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  flags: number
  name: string
  /** 1 internal, 3 client. */
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: OtlpAttribute[]
  droppedAttributesCount: number
  events: {
    timeUnixNano: string
    name: string
    attributes: OtlpAttribute[]
    droppedAttributesCount: number
  }[]
  droppedEventsCount: number
  status: { code: number; message?: string }
}

/** The body of a request to `/v1/traces`: opentelemetry-proto 1.x, `ExportTraceServiceRequest`. */
export interface OtlpRequest {
  resourceSpans: {
    resource: { attributes: OtlpAttribute[] }
    scopeSpans: { scope: { name: string; version: string }; spans: OtlpSpan[] }[]
  }[]
}

/** The low byte says "sampled", the next bit that it is known whether the parent is in another process: it is not. */
const FLAGS = 0x101

/** Spans in OTLP's JSON. All of them have one resource, that of the first. */
export function otlpRequest(spans: readonly FinishedSpan[]): OtlpRequest {
  const [first] = spans
  if (!first) return { resourceSpans: [] }
  const { name, version } = first.instrumentationScope
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(first.resource.attributes) },
        scopeSpans: [{ scope: { name, version }, spans: spans.map(spanOf) }],
      },
    ],
  }
}

function spanOf(span: FinishedSpan): OtlpSpan {
  const { traceId, spanId } = span.spanContext()
  return {
    traceId,
    spanId,
    ...(span.parentSpanContext && { parentSpanId: span.parentSpanContext.spanId }),
    flags: FLAGS,
    name: span.name,
    // OTLP has 0 for "unspecified", so its numbers are one higher than the API's.
    kind: span.kind + 1,
    startTimeUnixNano: nanosOf(span.startTime),
    endTimeUnixNano: nanosOf(span.endTime),
    attributes: attributesOf(span.attributes),
    droppedAttributesCount: span.droppedAttributesCount,
    events: span.events.map(eventOf),
    droppedEventsCount: span.droppedEventsCount,
    status: span.status,
  }
}

function eventOf({ name, time, attributes }: SpanEvent): OtlpSpan['events'][number] {
  return {
    timeUnixNano: nanosOf(time),
    name,
    attributes: attributesOf(attributes),
    droppedAttributesCount: 0,
  }
}

function attributesOf(attributes: Attributes): OtlpAttribute[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) }))
}

function valueOf(value: AttributeValue): OtlpValue {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(valueOf) } }
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

/** As digits: a number would lose the last of them. */
function nanosOf([seconds, nanos]: HrTime): string {
  return seconds === 0 ? String(nanos) : `${seconds}${String(nanos).padStart(9, '0')}`
}
