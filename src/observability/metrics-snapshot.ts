/** All metrics at one moment: plain JSON. */
export interface MetricsSnapshot {
  readonly metrics: readonly MetricSnapshot[]
}

export type MetricSnapshot = AmountSnapshot | HistogramSnapshot

/** A counter or a gauge. */
export interface AmountSnapshot {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly series: readonly AmountSeries[]
}

export interface HistogramSnapshot {
  readonly kind: 'histogram'
  readonly name: string
  readonly help: string
  readonly series: readonly HistogramSeries[]
}

export interface AmountSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** What a histogram keeps of the values of one set of labels. */
export interface HistogramSeries {
  readonly labels: Readonly<Record<string, string>>
  /** How many values were at most `le`; ascending and cumulative. The bucket of all is `count`. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[]
  readonly count: number
  readonly sum: number
  readonly max: number
}
