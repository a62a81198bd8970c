import type { Bus, Cleanup } from '../bus/bus.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { DeliveryFailed } from '../messages/delivery.ts'
import { CallModel, ModelAttemptFailed } from '../messages/model.ts'
import { MetricRecorded } from '../messages/observability.ts'
import { AttemptFailed } from '../messages/policies.ts'
import { busGauges } from './bus-gauges.ts'
import { CustomMetrics } from './custom-metrics.ts'
import { metricsSummary } from './metrics-summary.ts'
import type { MetricsSnapshot } from './metrics-snapshot.ts'
import { prometheusText } from './prometheus-text.ts'
import { RouteMetrics } from './route-metrics.ts'

export interface MetricsOptions {
  /** How many sets of labels one metric may have, default 2000; all further ones share one, `overflow="true"`. */
  maxSeries?: number
  /** Upper ends of the buckets of every histogram, ascending (default: 0.1 ms to 60 s in 18 steps). */
  buckets?: readonly number[]
}

/** Counts while it is attached; what it counted stays. */
export interface Metering {
  (bus: Bus): Cleanup
  /** All metrics as plain data. */
  snapshot(): MetricsSnapshot
  /** Prometheus' text format 0.0.4; serve it as `text/plain; version=0.0.4; charset=utf-8`. */
  prometheus(): string
  /** A table for people, one row a route; p50 and p95 are estimated from buckets. */
  summary(): string
}

const BUCKETS = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000,
]

/** How its own deliveries are named. */
const SELF = 'metrics()'

/**
 * A participant that measures every command and every delivery, and collects `metric.recorded`. A bus without it pays
 * nothing. One metering belongs to one bus at a time; attached to another it goes on counting.
 *
 * @throws BuslineError `INVALID_OPTION`; when attached to a second bus at once too
 */
export function metrics(options: MetricsOptions = {}): Metering {
  const { maxSeries = 2000, buckets = BUCKETS } = options
  check(maxSeries, buckets)
  const routes = new RouteMetrics({ maxSeries, bounds: buckets, self: SELF })
  const custom = new CustomMetrics({ maxSeries, bounds: buckets })
  let attached: Bus | undefined

  const metering = (bus: Bus): Cleanup => {
    if (attached)
      throw new BuslineError(
        'INVALID_OPTION',
        'This metering is attached already. Make one metrics() for each bus, or detach it before.',
      )
    attached = bus
    bus.probe(routes.probe)
    bus.on(MetricRecorded, (recorded) => custom.record(recorded), { name: SELF })
    bus.on(
      DeliveryFailed,
      ({ event, subscriber, retryIn }) => {
        if (retryIn !== undefined) routes.retried(event.type, subscriber)
      },
      { name: SELF },
    )
    bus.on(AttemptFailed, ({ message }) => routes.retried(message.type), { name: SELF })
    bus.on(ModelAttemptFailed, () => routes.retried(CallModel.type), { name: SELF })
    return () => {
      attached = undefined
    }
  }
  const snapshot = (): MetricsSnapshot => ({
    metrics: [
      ...routes.snapshot(),
      ...(attached ? busGauges(attached, maxSeries) : []),
      ...custom.snapshot(),
    ].filter(({ series }) => series.length > 0),
  })
  return Object.assign(metering, {
    snapshot,
    prometheus: () => prometheusText(snapshot()),
    summary: () => metricsSummary(snapshot()),
  })
}

function check(maxSeries: number, buckets: readonly number[]): void {
  if (!Number.isInteger(maxSeries) || maxSeries < 1)
    throw new BuslineError('INVALID_OPTION', `maxSeries must be a whole number above 0, not ${maxSeries}.`)
  const ascending = buckets.every(
    (bound, at) => Number.isFinite(bound) && bound > (buckets[at - 1] ?? -Infinity),
  )
  if (!ascending || buckets.length === 0)
    throw new BuslineError(
      'INVALID_OPTION',
      `buckets must be ascending finite numbers, not ${buckets.join(', ')}.`,
    )
}
