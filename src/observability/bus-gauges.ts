import type { Bus } from '../bus/bus.ts'
import { AmountMetric } from './metric.ts'
import type { MetricSnapshot } from './metrics-snapshot.ts'
import { labelValue } from './prometheus-names.ts'

/** Where a bus stands at this moment. Read when somebody asks, so it costs nothing in between. */
export function busGauges(bus: Bus, maxSeries: number): MetricSnapshot[] {
  const { running, queued } = bus.inspect()
  const gauge = (name: string, help: string): AmountMetric =>
    new AmountMetric('gauge', { name: `busline_${name}`, help, maxSeries })
  const one = (name: string, help: string, value: number): AmountMetric => {
    const metric = gauge(name, help)
    metric.set([], value)
    return metric
  }

  const depth = gauge('mailbox_depth', 'Events that wait for a subscriber; none waits for who is absent.')
  // Added up, because sessions have subscribers of the same name.
  for (const { subscriber, waiting } of queued) depth.add([['subscriber', labelValue(subscriber)]], waiting)
  return [
    one('commands_running', 'Commands that have not ended.', running.length),
    depth,
    one('dead_letters', 'Messages that could not be delivered and are kept.', bus.deadLetters.size),
    one('scheduled', 'Messages that wait for their time.', bus.schedules.list().length),
  ].map((metric) => metric.snapshot())
}
