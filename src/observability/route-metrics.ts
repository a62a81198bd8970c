import type { Probe } from '../bus/probe.ts'
import { AmountMetric, HistogramMetric } from './metric.ts'
import type { MetricSnapshot } from './metrics-snapshot.ts'
import { labelValue, type Labels } from './prometheus-names.ts'

/** What is measured of every command and every delivery, by type. */
export class RouteMetrics {
  readonly probe: Probe
  #commands: AmountMetric
  #commandMs: HistogramMetric
  #deliveries: AmountMetric
  #deliveryMs: HistogramMetric
  #retries: AmountMetric

  /** @param options.self the subscriber whose deliveries are left out, unless they fail: to measure is no work */
  constructor(options: { maxSeries: number; bounds: readonly number[]; self: string }) {
    const { maxSeries, bounds, self } = options
    const about = (name: string, help: string) => ({ name: `busline_${name}`, help, maxSeries })
    this.#commands = new AmountMetric('counter', about('commands_total', 'Commands that ended, by status.'))
    this.#commandMs = new HistogramMetric(
      about('command_duration_ms', 'Milliseconds from the acceptance of a command to its end.'),
      bounds,
    )
    this.#deliveries = new AmountMetric(
      'counter',
      about('deliveries_total', 'Deliveries of events that ended, by outcome.'),
    )
    this.#deliveryMs = new HistogramMetric(
      about('delivery_duration_ms', 'Milliseconds from the publishing to the end of a delivery that ran.'),
      bounds,
    )
    this.#retries = new AmountMetric(
      'counter',
      about('retries_total', 'Failed attempts that another followed.'),
    )

    this.probe = {
      commandEnded: ({ type }, { status, ms }) => {
        this.#commands.add(labels({ type, status }))
        this.#commandMs.observe(labels({ type }), ms)
      },
      deliveryEnded: ({ type }, { subscriber, outcome, ms, attempts }) => {
        if (subscriber === self && outcome === 'delivered') return
        this.#deliveries.add(labels({ type, subscriber, outcome }))
        if (attempts > 0) this.#deliveryMs.observe(labels({ type, subscriber }), ms)
      },
    }
  }

  /** A message is tried again: by one subscriber, or by a policy or a provider. */
  retried(type: string, subscriber?: string): void {
    this.#retries.add(labels(subscriber === undefined ? { type } : { type, subscriber }))
  }

  snapshot(): MetricSnapshot[] {
    return [this.#commands, this.#commandMs, this.#deliveries, this.#deliveryMs, this.#retries].map(
      (metric) => metric.snapshot(),
    )
  }
}

function labels(values: Readonly<Record<string, string>>): Labels {
  return Object.entries(values).map(([name, value]) => [name, labelValue(value)])
}
