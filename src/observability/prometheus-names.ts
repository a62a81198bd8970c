/** Label names and values, in an order that stays. */
export type Labels = readonly (readonly [name: string, value: string])[]

const LONGEST_VALUE = 200

/** A label of a user by one of these names would make two samples of one series, which a scraper refuses. */
const RESERVED: ReadonlySet<string> = new Set(['le', 'overflow'])

/**
 * A metric's name by the rules of Prometheus: letters, digits and `_`, not beginning with a digit; anything else becomes
 * `_` (`tool.latency` is `tool_latency`). The colon is left to recording rules.
 *
 * @see https://prometheus.io/docs/concepts/data_model/
 */
export function metricName(name: string): string {
  return plainName(name)
}

/**
 * Labels by the same rules, sorted by name. Two names that become one are one label with both values, `;` between them
 * (the rule of OpenTelemetry's exporter). Names with `__` in front are Prometheus' own, so one `_` stays; `le` belongs to
 * histograms and `overflow` to the series that the rest share, so they become `le_` and `overflow_`. Values are cut at
 * 200 characters.
 */
export function labelsOf(labels: Readonly<Record<string, string>>): Labels {
  const found = new Map<string, string[]>()
  for (const [raw, value] of Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const name = labelName(raw)
    found.set(name, [...(found.get(name) ?? []), value])
  }
  return [...found]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, values]) => [name, labelValue(values.join(';'))])
}

/** A label's value: any text, of bounded length. */
export function labelValue(value: string): string {
  return value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE - 1)}…` : value
}

function labelName(name: string): string {
  const plain = plainName(name).replace(/^__+/, '_')
  return RESERVED.has(plain) ? `${plain}_` : plain
}

function plainName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d|$)/, '_')
}
