import { estimateQuantile } from './estimate-quantile.ts'
import type { AmountSeries, HistogramSeries, MetricsSnapshot } from './metrics-snapshot.ts'
import { plainLine } from './plain-line.ts'
import { routeRows } from './route-rows.ts'
import { textTable } from './text-table.ts'

const NAME_WIDTH = 60
const TIMES = ['p50 ms', 'p95 ms', 'max ms']

/** The metrics as tables for people. Says that p50 and p95 are estimated; no colours, no control characters. */
export function metricsSummary(snapshot: MetricsSnapshot): string {
  const { commands, deliveries } = routeRows(snapshot)
  const commandRows = commands.map(({ name, count, failed, cancelled, retries, times }) => [
    plainLine(name, NAME_WIDTH),
    ...[count, failed, cancelled, retries].map(String),
    ...timesOf(times),
  ])
  const deliveryRows = deliveries.map(({ name, count, failed, skipped, dropped, retries, times }) => [
    plainLine(name, NAME_WIDTH),
    ...[count, failed, skipped, dropped, retries].map(String),
    ...timesOf(times),
  ])
  const parts = [
    tableOf(['command', 'count', 'failed', 'cancelled', 'retries', ...TIMES], commandRows),
    tableOf(
      ['event → subscriber', 'count', 'failed', 'skipped', 'dropped', 'retries', ...TIMES],
      deliveryRows,
    ),
    tableOf(['now', 'value'], gaugeRows(snapshot)),
    ...customTables(snapshot),
  ].filter((part) => part !== '')
  if (parts.length === 0) return 'Nothing was measured yet.\n'
  return `${parts.join('\n')}\np50 and p95 are estimated from buckets.\n`
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : textTable(head, rows)
}

function timesOf(series: HistogramSeries | undefined): string[] {
  if (!series) return ['', '', '']
  return [estimateQuantile(series, 0.5), estimateQuantile(series, 0.95), series.max].map(shortNumber)
}

/** What the bus itself is at. */
function gaugeRows({ metrics }: MetricsSnapshot): string[][] {
  return metrics.flatMap((metric) => {
    if (metric.kind !== 'gauge' || !metric.name.startsWith('busline_')) return []
    return metric.series.map((series) => [titleOf(metric.name.slice(8), series), shortNumber(series.value)])
  })
}

function customTables({ metrics }: MetricsSnapshot): string[] {
  const own = metrics.filter(
    ({ name }) => !name.startsWith('busline_') || name === 'busline_metrics_refused_total',
  )
  const amounts = own.flatMap((metric) =>
    metric.kind === 'histogram'
      ? []
      : metric.series.map((series) => [titleOf(metric.name, series), shortNumber(series.value)]),
  )
  const histograms = own.flatMap((metric) =>
    metric.kind !== 'histogram'
      ? []
      : metric.series.map((series) => [
          titleOf(metric.name, series),
          String(series.count),
          ...timesOf(series),
        ]),
  )
  return [
    tableOf(['metric', 'value'], amounts),
    tableOf(['histogram', 'count', 'p50', 'p95', 'max'], histograms),
  ]
}

function titleOf(name: string, { labels }: Pick<AmountSeries, 'labels'>): string {
  const set = Object.entries(labels).map(([label, value]) => `${label}=${value}`)
  return plainLine(set.length === 0 ? name : `${name} ${set.join(' ')}`, NAME_WIDTH)
}

function shortNumber(value: number | undefined): string {
  if (value === undefined) return ''
  return Number.isInteger(value) || Math.abs(value) >= 1000 ? String(Math.round(value)) : value.toPrecision(3)
}
