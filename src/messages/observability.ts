import * as z from 'zod'
import { defineEvent } from './define-event.ts'
import { Failure } from './failure.ts'

/** What a span is about: flat, so that any trace viewer can show it. */
export const SpanAttributes = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
export type SpanAttributes = z.output<typeof SpanAttributes>

/**
 * One measurement of your own. A counter adds `value` (never negative), a gauge is set to it, a histogram observes it.
 * At most 20 labels; `unit` is for readers.
 */
export const MetricRecorded = defineEvent('metric.recorded', {
  data: z
    .object({
      name: z.string().min(1).max(200),
      kind: z.enum(['counter', 'gauge', 'histogram']),
      value: z.number(),
      labels: z.record(z.string().max(200), z.string()).optional(),
      unit: z.string().max(50).optional(),
    })
    .refine(({ kind, value }) => kind !== 'counter' || value >= 0, {
      path: ['value'],
      message: 'a counter only goes up',
    })
    .refine(({ labels = {} }) => Object.keys(labels).length <= 20, {
      path: ['labels'],
      message: 'at most 20 labels',
    }),
})

/** A span of your own began: a part of a handler's work. `span` is its id, `parent` that of the span around it. */
export const SpanStarted = defineEvent('span.started', {
  data: z.object({
    span: z.string(),
    name: z.string(),
    parent: z.string().optional(),
    attributes: SpanAttributes.optional(),
  }),
})

/** It ended, after `ms` milliseconds. */
export const SpanEnded = defineEvent('span.ended', {
  data: z.object({
    span: z.string(),
    name: z.string(),
    ms: z.number(),
    status: z.enum(['ok', 'error', 'cancelled']),
    attributes: SpanAttributes.optional(),
    error: Failure.optional(),
  }),
})
