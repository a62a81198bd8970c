import type { HistogramSeries, MetricSnapshot, MetricsSnapshot } from './metrics-snapshot.ts'

type Labels = Readonly<Record<string, string>>

/**
 * Prometheus' text exposition format, version 0.0.4.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function prometheusText({ metrics }: MetricsSnapshot): string {
  return metrics
    .flatMap((metric) => [
      `# HELP ${metric.name} ${escapeHelp(metric.help)}`,
      `# TYPE ${metric.name} ${metric.kind}`,
      ...samplesOf(metric),
    ])
    .map((line) => `${line}\n`)
    .join('')
}

function samplesOf(metric: MetricSnapshot): string[] {
  const { name } = metric
  if (metric.kind === 'histogram') return metric.series.flatMap((series) => histogramSamples(name, series))
  return metric.series.map(({ labels, value }) => sample(name, labels, value))
}

function histogramSamples(name: string, { labels, buckets, count, sum }: HistogramSeries): string[] {
  return [
    ...buckets.map(({ le, count: below }) => sample(`${name}_bucket`, { ...labels, le: numeral(le) }, below)),
    sample(`${name}_bucket`, { ...labels, le: '+Inf' }, count),
    sample(`${name}_sum`, labels, sum),
    sample(`${name}_count`, labels, count),
  ]
}

function sample(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`)
  const set = pairs.length === 0 ? '' : `{${pairs.join(',')}}`
  return `${name}${set} ${numeral(value)}`
}

function numeral(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}
