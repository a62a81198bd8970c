import type { AmountSeries, HistogramSeries, MetricsSnapshot } from './metrics-snapshot.ts'

export interface CommandRow {
  name: string
  count: number
  /** With an error, or by a timeout. */
  failed: number
  cancelled: number
  retries: number
  times: HistogramSeries | undefined
}

export interface DeliveryRow {
  name: string
  count: number
  failed: number
  skipped: number
  dropped: number
  retries: number
  times: HistogramSeries | undefined
}

type Labels = Readonly<Record<string, string>>

/** One row for each command, and for each event and subscriber, from the metrics of the bus. */
export function routeRows({ metrics }: MetricsSnapshot): {
  commands: CommandRow[]
  deliveries: DeliveryRow[]
} {
  const amounts = (name: string): readonly AmountSeries[] =>
    metrics.flatMap((metric) => (metric.kind !== 'histogram' && metric.name === name ? metric.series : []))
  const times = (name: string): readonly HistogramSeries[] =>
    metrics.flatMap((metric) => (metric.kind === 'histogram' && metric.name === name ? metric.series : []))

  const ended = amounts('busline_commands_total')
  const delivered = amounts('busline_deliveries_total')
  const retried = amounts('busline_retries_total')
  const events = new Set(delivered.map(({ labels }) => labels['type']))
  // A policy's retries don't tell of what kind the message is, and a command may be at its retries still.
  const isDelivery = ({ labels: { type, subscriber } }: AmountSeries): boolean =>
    subscriber !== undefined || (type !== undefined && events.has(type))
  const commandRetries = retried.filter((series) => !isDelivery(series))
  const deliveryRetries = retried.filter(isDelivery)

  return {
    commands: groups(commandName, ended, commandRetries).map((name) => {
      const of = total(commandName, name)
      return {
        name,
        count: of(ended),
        failed: of(ended, 'status', 'error') + of(ended, 'status', 'timeout'),
        cancelled: of(ended, 'status', 'cancelled'),
        retries: of(commandRetries),
        times: times('busline_command_duration_ms').find(({ labels }) => commandName(labels) === name),
      }
    }),
    deliveries: groups(deliveryName, delivered, deliveryRetries).map((name) => {
      const of = total(deliveryName, name)
      return {
        name,
        count: of(delivered),
        failed: of(delivered, 'outcome', 'failed'),
        skipped: of(delivered, 'outcome', 'skipped'),
        dropped: of(delivered, 'outcome', 'dropped'),
        retries: of(deliveryRetries),
        times: times('busline_delivery_duration_ms').find(({ labels }) => deliveryName(labels) === name),
      }
    }),
  }
}

/** The names that occur, in their order. */
function groups(nameOf: (labels: Labels) => string, ...series: (readonly AmountSeries[])[]): string[] {
  return [...new Set(series.flat().map(({ labels }) => nameOf(labels)))].toSorted()
}

function total(nameOf: (labels: Labels) => string, name: string) {
  return (series: readonly AmountSeries[], label?: string, value?: string): number =>
    series
      .filter(({ labels }) => nameOf(labels) === name && (label === undefined || labels[label] === value))
      .reduce((sum, one) => sum + one.value, 0)
}

/** Beyond the limit of series there are no names any more. */
function commandName({ type = '(all others)' }: Labels): string {
  return type
}

function deliveryName({ type = '(all others)', subscriber }: Labels): string {
  return subscriber === undefined ? type : `${type} → ${subscriber}`
}
