import { defineCommand, MetricRecorded, metrics } from 'busline'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { rejection } from '../bus/fixtures/promises.ts'
import { tickingBus } from './fixtures/ticking-bus.ts'

test('a summary has one row a route: count, failures, retries, times, and says what is estimated', async () => {
  const { bus, tick } = tickingBus()
  const metering = metrics({ buckets: [10, 100] })
  bus.attach(metering)
  bus.handle(Greet, ({ name }) => {
    tick(name === 'Bob' ? 40 : 2)
    if (name === 'Eve') throw new Error('no')
    return 'hello'
  })
  bus.on(Greeted, () => undefined, { name: 'wall' })
  for (const name of ['Ada', 'Bob', 'Cid']) await bus.execute(Greet, { name })
  await rejection(bus.execute(Greet, { name: 'Eve' }))
  await bus.publish(Greeted, { name: 'Ada' }).settled
  await bus.publish(MetricRecorded, { name: 'tokens', kind: 'counter', value: 7, labels: { model: 'a' } })
    .settled

  expect(metering.summary()).toBe(
    `command       count  failed  cancelled  retries  p50 ms  p95 ms  max ms
people.greet      4       1          0        0    6.67      40      40

event → subscriber     count  failed  skipped  dropped  retries  p50 ms  p95 ms  max ms
people.greeted → wall      1       0        0        0        0       0       0       0

now               value
commands_running      0
dead_letters          0
scheduled             0

metric          value
tokens model=a      7

p50 and p95 are estimated from buckets.
`,
  )
})

test('a summary shows the control characters of names instead of sending them', async () => {
  const { bus } = tickingBus()
  const metering = metrics()
  bus.attach(metering)
  const Evil = defineCommand('evil.\u001b[2J\nrow \u202e', { input: z.object({}), output: z.string() })
  bus.handle(Evil, () => 'done')
  await bus.execute(Evil, {})

  const summary = metering.summary()
  expect(summary).toContain(String.raw`evil.\u{1b}[2J\u{a}row \u{202e}`)
  // oxlint-disable-next-line no-control-regex
  expect(summary).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
})

test('a summary of nothing says so', () => {
  expect(metrics().summary()).toBe('Nothing was measured yet.\n')
})
