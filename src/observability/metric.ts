import { Distribution } from './distribution.ts'
import type { AmountSnapshot, HistogramSnapshot } from './metrics-snapshot.ts'
import type { Labels } from './prometheus-names.ts'

/** What a metric is called, and how many sets of labels it may have before the rest share one. */
export interface MetricAbout {
  readonly name: string
  readonly help: string
  readonly maxSeries: number
}

const OVERFLOW: Labels = [['overflow', 'true']]

/** One value for each set of labels. */
export class AmountMetric {
  readonly kind: 'counter' | 'gauge'
  readonly about: MetricAbout
  #series: LabelSets<{ value: number }>

  constructor(kind: 'counter' | 'gauge', about: MetricAbout) {
    this.kind = kind
    this.about = about
    this.#series = new LabelSets(about.maxSeries, () => ({ value: 0 }))
  }

  add(labels: Labels, value = 1): void {
    this.#series.of(labels).value += value
  }

  set(labels: Labels, value: number): void {
    this.#series.of(labels).value = value
  }

  snapshot(): AmountSnapshot {
    const { name, help } = this.about
    const series = this.#series.map((labels, { value }) => ({ labels, value }))
    return { kind: this.kind, name, help, series }
  }
}

/** One distribution for each set of labels. */
export class HistogramMetric {
  readonly kind = 'histogram'
  readonly about: MetricAbout
  #series: LabelSets<Distribution>

  constructor(about: MetricAbout, bounds: readonly number[]) {
    this.about = about
    this.#series = new LabelSets(about.maxSeries, () => new Distribution(bounds))
  }

  observe(labels: Labels, value: number): void {
    this.#series.of(labels).observe(value)
  }

  snapshot(): HistogramSnapshot {
    const { name, help } = this.about
    const series = this.#series.map((labels, values) => ({ labels, ...values.snapshot() }))
    return { kind: this.kind, name, help, series }
  }
}

/** What is kept for each set of labels; bounded, because labels come from outside. */
class LabelSets<T> {
  #max: number
  #create: () => T
  #entries = new Map<string, { labels: Labels; kept: T }>()
  #overflow: T | undefined

  constructor(max: number, create: () => T) {
    this.#max = max
    this.#create = create
  }

  of(labels: Labels): T {
    const key = JSON.stringify(labels)
    const known = this.#entries.get(key)
    if (known) return known.kept
    if (this.#entries.size >= this.#max) return (this.#overflow ??= this.#create())
    const kept = this.#create()
    this.#entries.set(key, { labels, kept })
    return kept
  }

  map<R>(show: (labels: Record<string, string>, kept: T) => R): R[] {
    const rest = this.#overflow === undefined ? [] : [{ labels: OVERFLOW, kept: this.#overflow }]
    return [...this.#entries.values(), ...rest].map(({ labels, kept }) =>
      show(Object.fromEntries(labels), kept),
    )
  }
}
