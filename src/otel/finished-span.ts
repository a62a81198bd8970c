import { BUSLINE_VERSION } from '../bus/version.ts'

/** What an attribute may hold. */
export type AttributeValue = string | number | boolean | string[]

export type Attributes = Record<string, AttributeValue>

/** Seconds since the epoch, and nanoseconds: OpenTelemetry's `HrTime`. */
export type HrTime = [number, number]

/** OpenTelemetry's `SpanKind`, of which two are used here. */
export const SPAN_KIND = { internal: 0, client: 2 } as const

/** OpenTelemetry's `SpanStatusCode`; what went well stays unset, as the specification wants it of instrumentations. */
export const SPAN_STATUS = { unset: 0, error: 2 } as const

export interface SpanContext {
  traceId: string
  spanId: string
  /** 1: sampled. A journal is not sampled, so all are. */
  traceFlags: number
}

export interface SpanEvent {
  name: string
  time: HrTime
  attributes: Attributes
}

/** What the spans belong to: a service, by attributes such as `service.name`. */
export interface SpanResource {
  readonly attributes: Attributes
  readonly asyncAttributesPending: boolean
  merge(other: { readonly attributes: object } | null): SpanResource
  getRawAttributes(): [string, AttributeValue][]
}

/**
 * A span that has ended, in the form that the exporters of OpenTelemetry's SDK take (`ReadableSpan` of versions 2 and 3).
 * A type of ours, so that nobody needs the SDK for the type's sake.
 */
export interface FinishedSpan {
  readonly name: string
  readonly kind: 0 | 2
  readonly spanContext: () => SpanContext
  readonly parentSpanContext?: SpanContext
  readonly startTime: HrTime
  readonly endTime: HrTime
  readonly duration: HrTime
  readonly ended: boolean
  readonly status: { code: 0 | 2; message?: string }
  readonly attributes: Attributes
  readonly links: never[]
  readonly events: SpanEvent[]
  readonly resource: SpanResource
  readonly instrumentationScope: { readonly name: string; readonly version: string }
  readonly droppedAttributesCount: number
  readonly droppedEventsCount: number
  readonly droppedLinksCount: number
}

/** Who made the spans. */
export const INSTRUMENTATION = { name: 'busline', version: BUSLINE_VERSION } as const

/** A resource of given attributes, to which nothing is added later. */
export function resourceOf(attributes: Attributes): SpanResource {
  return {
    attributes,
    asyncAttributesPending: false,
    merge: (other) => resourceOf(other ? { ...attributes, ...other.attributes } : attributes),
    getRawAttributes: () => Object.entries(attributes),
  }
}

/** Epoch milliseconds, to the microsecond as the journal has them; what is no time is 1970. */
export function hrTimeOf(ms: number): HrTime {
  const micros = Number.isFinite(ms) && ms > 0 ? Math.min(Math.round(ms * 1000), Number.MAX_SAFE_INTEGER) : 0
  return [Math.floor(micros / 1_000_000), (micros % 1_000_000) * 1000]
}
