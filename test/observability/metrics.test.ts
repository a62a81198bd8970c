import {
  AttemptFailed,
  memoryJournal,
  MessageBus,
  MetricRecorded,
  metrics,
  ModelAttemptFailed,
  type MetricsSnapshot,
} from 'busline'
import { describe, expect, test } from 'vitest'
import { Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { deferred, idle, rejection, thrownBy } from '../bus/fixtures/promises.ts'
import { tickingBus } from './fixtures/ticking-bus.ts'

const error = { code: 'NO', name: 'Error', message: 'no' }

/** The series of one metric. */
function seriesOf({ metrics: all }: MetricsSnapshot, name: string): readonly object[] {
  return all.find((metric) => metric.name === name)?.series ?? []
}

describe('metrics', () => {
  test('count commands by how they ended', async () => {
    const { bus } = tickingBus()
    const metering = metrics()
    bus.attach(metering)
    bus.handle(Greet, ({ name }) => {
      if (name === 'Eve') throw new Error('no')
      return 'hello'
    })
    await bus.execute(Greet, { name: 'Ada' })
    await bus.execute(Greet, { name: 'Bob' })
    await rejection(bus.execute(Greet, { name: 'Eve' }))
    await rejection(bus.execute(Greet, { name: 'Ada' }, { signal: AbortSignal.abort() }))

    expect(seriesOf(metering.snapshot(), 'busline_commands_total')).toEqual([
      { labels: { type: 'people.greet', status: 'ok' }, value: 2 },
      { labels: { type: 'people.greet', status: 'error' }, value: 1 },
      { labels: { type: 'people.greet', status: 'cancelled' }, value: 1 },
    ])
  })

  test('count deliveries by subscriber and outcome, and the retries of each', async () => {
    const bus = new MessageBus({
      journal: memoryJournal(),
      after: (_, run) => (queueMicrotask(run), () => undefined),
    })
    const metering = metrics()
    bus.attach(metering)
    bus.on(Greeted, () => undefined, { name: 'wall' })
    bus.on(
      Greeted,
      () => {
        throw new Error('no')
      },
      { name: 'phone', retry: 3 },
    )
    await bus.publish(Greeted, { name: 'Ada' }).settled
    await idle()
    const snapshot = metering.snapshot()

    expect(seriesOf(snapshot, 'busline_deliveries_total')).toEqual([
      { labels: { type: 'people.greeted', subscriber: 'wall', outcome: 'delivered' }, value: 1 },
      { labels: { type: 'people.greeted', subscriber: 'phone', outcome: 'failed' }, value: 1 },
    ])
    expect(seriesOf(snapshot, 'busline_retries_total')).toEqual([
      { labels: { type: 'people.greeted', subscriber: 'phone' }, value: 2 },
    ])
    expect(seriesOf(snapshot, 'busline_dead_letters')).toEqual([{ labels: {}, value: 1 }])
  })

  test('count what policies and providers try again', async () => {
    const { bus } = tickingBus()
    const metering = metrics()
    bus.attach(metering)
    const message = { id: 'x', type: 'people.greet' }
    await bus.publish(AttemptFailed, { message, attempt: 1, retryIn: 5, error }).settled
    await bus.publish(ModelAttemptFailed, { attempt: 1, retryIn: 5, error }).settled

    expect(seriesOf(metering.snapshot(), 'busline_retries_total')).toEqual([
      { labels: { type: 'people.greet' }, value: 1 },
      { labels: { type: 'model.call' }, value: 1 },
    ])
  })

  test('tell where the bus stands at the moment: what runs, waits and is scheduled', async () => {
    const { bus } = tickingBus()
    const metering = metrics()
    bus.attach(metering)
    const [greeting, hearing] = [deferred<string>(), deferred()]
    bus.handle(Greet, () => greeting.promise)
    bus.on(Greeted, () => hearing.promise, { name: 'slow' })
    const greeted = bus.execute(Greet, { name: 'Ada' })
    for (const name of ['Ada', 'Bob', 'Cid']) bus.publish(Greeted, { name })
    await idle()
    const scheduled = await bus.schedule(Greet, { name: 'Ada' }, { after: 60_000 })
    const values = (): unknown[] =>
      ['commands_running', 'mailbox_depth', 'scheduled'].map((name) =>
        seriesOf(metering.snapshot(), `busline_${name}`),
      )

    expect(values()).toEqual([
      [{ labels: {}, value: 1 }],
      [{ labels: { subscriber: 'slow' }, value: 2 }],
      [{ labels: {}, value: 1 }],
    ])
    greeting.resolve('hello')
    hearing.resolve()
    scheduled.cancel()
    await greeted
    await idle()
    expect(values()).toEqual([[{ labels: {}, value: 0 }], [], [{ labels: {}, value: 0 }]])
  })

  test('add up counters, set gauges, and observe histograms that users record', async () => {
    const { bus } = tickingBus()
    const metering = metrics({ buckets: [10] })
    bus.attach(metering)
    for (const value of [3, 4]) {
      bus.publish(MetricRecorded, { name: 'tokens', kind: 'counter', value, labels: { model: 'a' } })
      bus.publish(MetricRecorded, { name: 'load', kind: 'gauge', value })
      await bus.publish(MetricRecorded, { name: 'size', kind: 'histogram', value: value * 3 }).settled
    }
    const snapshot = metering.snapshot()

    expect(seriesOf(snapshot, 'tokens')).toEqual([{ labels: { model: 'a' }, value: 7 }])
    expect(seriesOf(snapshot, 'load')).toEqual([{ labels: {}, value: 4 }])
    expect(seriesOf(snapshot, 'size')).toEqual([
      { labels: {}, buckets: [{ le: 10, count: 1 }], count: 2, sum: 21, max: 12 },
    ])
  })

  test('have a bounded number of series: the rest share one, and sums stay right', async () => {
    const { bus } = tickingBus()
    const metering = metrics({ maxSeries: 2 })
    bus.attach(metering)
    for (const user of ['a', 'b', 'c', 'd', 'a'])
      await bus.publish(MetricRecorded, { name: 'logins', kind: 'counter', value: 1, labels: { user } })
        .settled

    expect(seriesOf(metering.snapshot(), 'logins')).toEqual([
      { labels: { user: 'a' }, value: 2 },
      { labels: { user: 'b' }, value: 1 },
      { labels: { overflow: 'true' }, value: 2 },
    ])
  })

  test("keep a user's label apart from that of the series that the rest share", async () => {
    const { bus } = tickingBus()
    const metering = metrics({ maxSeries: 1 })
    bus.attach(metering)
    for (const overflow of ['true', 'a', 'b'])
      await bus.publish(MetricRecorded, { name: 'logins', kind: 'counter', value: 1, labels: { overflow } })
        .settled

    expect(seriesOf(metering.snapshot(), 'logins')).toEqual([
      { labels: { overflow_: 'true' }, value: 1 },
      { labels: { overflow: 'true' }, value: 2 },
    ])
  })

  test('have a bounded number of names', async () => {
    const { bus } = tickingBus()
    const metering = metrics()
    bus.attach(metering)
    for (let n = 0; n < 1003; n++)
      await bus.publish(MetricRecorded, { name: `metric${n}`, kind: 'gauge', value: n }).settled

    expect(seriesOf(metering.snapshot(), 'metric999')).toHaveLength(1)
    expect(seriesOf(metering.snapshot(), 'metric1000')).toHaveLength(0)
    expect(seriesOf(metering.snapshot(), 'busline_metrics_refused_total')).toEqual([
      { labels: { reason: 'full' }, value: 3 },
    ])
  })

  test('do not count their own deliveries', async () => {
    const { bus } = tickingBus()
    const metering = metrics()
    bus.attach(metering)
    await bus.publish(MetricRecorded, { name: 'load', kind: 'gauge', value: 1 }).settled

    expect(seriesOf(metering.snapshot(), 'busline_deliveries_total')).toEqual([])
  })

  test('that were detached count nothing more and keep what they have; attached again they go on', async () => {
    const { bus } = tickingBus()
    const metering = metrics()
    const count = (): unknown => seriesOf(metering.snapshot(), 'busline_commands_total')
    bus.handle(Greet, () => 'hello')
    const detach = bus.attach(metering)
    await bus.execute(Greet, { name: 'Ada' })
    detach()
    await bus.execute(Greet, { name: 'Ada' })
    expect(count()).toMatchObject([{ value: 1 }])
    expect(seriesOf(metering.snapshot(), 'busline_dead_letters')).toEqual([])

    bus.attach(metering)
    await bus.execute(Greet, { name: 'Ada' })
    expect(count()).toMatchObject([{ value: 2 }])
  })

  test('belong to one bus at a time', () => {
    const metering = metrics()
    new MessageBus().attach(metering)
    expect(thrownBy(() => new MessageBus().attach(metering))).toMatchObject({ code: 'INVALID_OPTION' })
  })

  test.each([
    { maxSeries: 0 },
    { maxSeries: 1.5 },
    { buckets: [] },
    { buckets: [2, 1] },
    { buckets: [Infinity] },
  ])('refuse %j', (options) => {
    expect(thrownBy(() => metrics(options))).toMatchObject({ code: 'INVALID_OPTION' })
  })

  test.each([
    { name: 'a', kind: 'counter', value: -1 },
    { name: '', kind: 'gauge', value: 1 },
    { name: 'a', kind: 'gauge', value: Number.NaN },
    {
      name: 'a',
      kind: 'gauge',
      value: 1,
      labels: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [n, ''])),
    },
  ] as const)('that make no sense are refused when they are published: %j', (metric) => {
    expect(thrownBy(() => new MessageBus().publish(MetricRecorded, metric))).toMatchObject({
      code: 'VALIDATION_FAILED',
    })
  })
})
