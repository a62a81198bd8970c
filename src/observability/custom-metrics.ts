import type * as z from 'zod'
import type { MetricRecorded } from '../messages/observability.ts'
import { AmountMetric, HistogramMetric } from './metric.ts'
import type { MetricSnapshot } from './metrics-snapshot.ts'
import { labelsOf, metricName } from './prometheus-names.ts'

/** A misspelt or invented name is a metric for good, so there are only so many. */
const MOST_METRICS = 1000

type Recorded = z.output<typeof MetricRecorded.data>
type Metric = AmountMetric | HistogramMetric

/**
 * The metrics that users record, under their own names. What can't be shown beside the others is refused, and counted by
 * reason: a name that has another kind already (`kind`), that is a line of another metric (`name`), that begins with
 * `busline_` (`reserved`), or one too many (`full`).
 */
export class CustomMetrics {
  #maxSeries: number
  #bounds: readonly number[]
  #metrics = new Map<string, Metric>()
  #lines = new Set<string>()
  #refused: AmountMetric

  constructor(options: { maxSeries: number; bounds: readonly number[] }) {
    this.#maxSeries = options.maxSeries
    this.#bounds = options.bounds
    this.#refused = new AmountMetric('counter', {
      name: 'busline_metrics_refused_total',
      help: 'Values of metric.recorded that were not taken, by reason.',
      maxSeries: options.maxSeries,
    })
  }

  record(recorded: Recorded): void {
    const { kind, value } = recorded
    const labels = labelsOf(recorded.labels ?? {})
    const metric = this.#metricFor(recorded)
    if (typeof metric === 'string') return this.#refused.add([['reason', metric]])
    if (metric.kind === 'histogram') metric.observe(labels, value)
    else if (kind === 'counter') metric.add(labels, value)
    else metric.set(labels, value)
  }

  snapshot(): MetricSnapshot[] {
    return [...this.#metrics.values(), this.#refused].map((metric) => metric.snapshot())
  }

  /** The metric, or why there is none. */
  #metricFor({ name: raw, kind, unit }: Recorded): Metric | 'kind' | 'name' | 'reserved' | 'full' {
    const name = metricName(raw)
    const known = this.#metrics.get(name)
    if (known) return known.kind === kind ? known : 'kind'
    if (name.startsWith('busline_')) return 'reserved'
    if (this.#metrics.size >= MOST_METRICS) return 'full'
    const lines = kind === 'histogram' ? histogramLines(name) : [name]
    if (lines.some((line) => this.#lines.has(line))) return 'name'

    for (const line of lines) this.#lines.add(line)
    const help = `${raw}${unit === undefined ? '' : ` in ${unit}`}, by metric.recorded.`
    const about = { name, help, maxSeries: this.#maxSeries }
    const metric =
      kind === 'histogram' ? new HistogramMetric(about, this.#bounds) : new AmountMetric(kind, about)
    this.#metrics.set(name, metric)
    return metric
  }
}

/** The names that the lines of a histogram have, and its own. */
function histogramLines(name: string): string[] {
  return [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]
}
