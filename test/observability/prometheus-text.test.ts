import { metrics, MetricRecorded, MessageBus } from 'busline'
import { describe, expect, test } from 'vitest'
import { Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { rejection } from '../bus/fixtures/promises.ts'
import { parsePrometheus } from './fixtures/parse-prometheus.ts'
import { tickingBus } from './fixtures/ticking-bus.ts'

type Recorded = Parameters<typeof record>[1]

async function record(
  bus: MessageBus,
  metric: {
    name: string
    kind: 'counter' | 'gauge' | 'histogram'
    value: number
    labels?: Record<string, string>
    unit?: string
  },
): Promise<void> {
  await bus.publish(MetricRecorded, metric).settled
}

/** What the text says after these values were recorded. */
async function shown(...recorded: readonly Recorded[]): Promise<ReturnType<typeof parsePrometheus>> {
  const bus = new MessageBus()
  const metering = metrics()
  bus.attach(metering)
  for (const one of recorded) await record(bus, one)
  return parsePrometheus(metering.prometheus())
}

describe("Prometheus' text", () => {
  test('holds the routes of a bus, and a strict parser takes it', async () => {
    const { bus, tick } = tickingBus()
    const metering = metrics({ buckets: [5, 50] })
    bus.attach(metering)
    bus.handle(Greet, ({ name }) => {
      tick(name === 'Ada' ? 3 : 30)
      return 'hello'
    })
    bus.on(Greeted, () => undefined, { name: 'wall' })
    await bus.execute(Greet, { name: 'Ada' })
    await bus.execute(Greet, { name: 'Bob' })
    await rejection(bus.execute(Greet, { name: '' }))
    await bus.publish(Greeted, { name: 'Ada' }).settled
    const text = metering.prometheus()
    const families = parsePrometheus(text)

    expect(text).toContain(
      [
        '# HELP busline_command_duration_ms Milliseconds from the acceptance of a command to its end.',
        '# TYPE busline_command_duration_ms histogram',
        'busline_command_duration_ms_bucket{type="people.greet",le="5"} 2',
        'busline_command_duration_ms_bucket{type="people.greet",le="50"} 3',
        'busline_command_duration_ms_bucket{type="people.greet",le="+Inf"} 3',
        'busline_command_duration_ms_sum{type="people.greet"} 33',
        'busline_command_duration_ms_count{type="people.greet"} 3',
        '',
      ].join('\n'),
    )
    expect(families.get('busline_commands_total')?.samples).toMatchObject([
      { labels: { type: 'people.greet', status: 'ok' }, value: 2 },
      { labels: { type: 'people.greet', status: 'error' }, value: 1 },
    ])
    expect(families.get('busline_deliveries_total')?.samples).toMatchObject([
      { labels: { type: 'people.greeted', subscriber: 'wall', outcome: 'delivered' }, value: 1 },
    ])
    expect(families.get('busline_dead_letters')).toMatchObject({ type: 'gauge', samples: [{ value: 0 }] })
  })

  test('escapes what hostile labels hold, and reads back as it was', async () => {
    const user = 'a\\"b"\n# TYPE x counter\nx{y="1"} 1'
    const families = await shown({ name: 'logins', kind: 'counter', value: 1, labels: { user } })

    expect([...families.keys()].filter((name) => !name.startsWith('busline_'))).toEqual(['logins'])
    expect(families.get('logins')?.samples).toEqual([{ name: 'logins', labels: { user }, value: 1 }])
  })

  test('makes names of metrics and labels plain', async () => {
    const labels = { 'user.id': '7', '9': 'nine', __name__: 'evil', le: '5', '': 'none' }
    const families = await shown({ name: '1-tool.latency\n', kind: 'histogram', value: 2, labels })

    const samples = families.get('_1_tool_latency_')?.samples ?? []
    expect(samples.at(-1)).toEqual({
      name: '_1_tool_latency__count',
      labels: { user_id: '7', _9: 'nine', _name__: 'evil', le_: '5', _: 'none' },
      value: 1,
    })
  })

  test('joins labels whose names become one', async () => {
    const labels = { 'user.id': '7', user_id: '8' }
    const families = await shown({ name: 'logins', kind: 'counter', value: 1, labels })

    expect(families.get('logins')?.samples).toMatchObject([{ labels: { user_id: '7;8' } }])
  })

  test('shows numbers of any size', async () => {
    const families = await shown(
      { name: 'huge', kind: 'gauge', value: 1e300 },
      { name: 'tiny', kind: 'gauge', value: -1e-300 },
      { name: 'sum', kind: 'counter', value: Number.MAX_VALUE },
      { name: 'sum', kind: 'counter', value: Number.MAX_VALUE },
    )

    const values = ['huge', 'tiny', 'sum'].map((name) => families.get(name)?.samples[0]?.value)
    expect(values).toEqual([1e300, -1e-300, Infinity])
  })

  test('refuses what would be the line of another metric, and counts it', async () => {
    const families = await shown(
      { name: 'size', kind: 'histogram', value: 1 },
      { name: 'size_sum', kind: 'counter', value: 1 },
      { name: 'size', kind: 'gauge', value: 1 },
      { name: 'busline.commands_total', kind: 'counter', value: 1 },
    )

    expect(families.has('size_sum')).toBe(false)
    expect(families.get('busline_metrics_refused_total')?.samples).toMatchObject([
      { labels: { reason: 'name' }, value: 1 },
      { labels: { reason: 'kind' }, value: 1 },
      { labels: { reason: 'reserved' }, value: 1 },
    ])
  })
})

test.each([
  'a 1\n',
  '# HELP a b\n# TYPE a counter\na 1',
  '# HELP a b\n# TYPE a counter\na{b="c\nd"} 1\n',
  '# HELP a b\n# TYPE a counter\na 1\na 2\n',
  '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
  '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n',
])('the parser of these tests refuses %j', (text) => {
  expect(() => parsePrometheus(text)).toThrow(/No text format|before any HELP/)
})
