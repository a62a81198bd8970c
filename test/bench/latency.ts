import { setTimeout } from 'node:timers/promises'
import { defineEvent } from 'busline'
import * as z from 'zod'
import { benchBus } from './bench-bus.ts'
import { BURST } from './burst.ts'
import { Heard } from './heard.ts'
import { quick } from './measure.ts'
import type { Table } from './table.ts'

const Ticked = defineEvent('clock.ticked', { data: z.object({ at: z.number() }) })
const PER_MS = 50
const WARM_UP_MS = quick ? 50 : 2000
const MEASURED_MS = quick ? 100 : 5000

/** Milliseconds from `publish` to the subscriber's call. The aim: 99 of 100 within 2 ms. */
export const tables: readonly Table[] = [
  {
    head: 'from publish to the subscriber at 50 000 events/s',
    columns: ['p99 ms', 'p50 ms', 'max ms'],
    cases: {
      busline: () => latency('unrecorded'),
      'busline, recorded': () => latency('recorded'),
    },
  },
]

async function latency(kind: 'recorded' | 'unrecorded'): Promise<readonly number[]> {
  const { bus, stop } = benchBus(kind)
  const heard = new Heard()
  let delays: Float64Array = new Float64Array(WARM_UP_MS * PER_MS)
  let next = 0
  bus.on(Ticked, ({ at }) => {
    delays[next++] = performance.now() - at
    heard.one()
  })
  const publish = (): unknown => bus.publish(Ticked, { at: performance.now() })

  await paced(WARM_UP_MS, publish)
  heard.all(delays.length)
  delays = new Float64Array(MEASURED_MS * PER_MS)
  next = 0
  await paced(MEASURED_MS, publish)
  heard.all(delays.length)
  await stop()

  delays.sort()
  const quantile = (share: number): number => delays[Math.ceil(delays.length * share) - 1] ?? Number.NaN
  return [quantile(0.99), quantile(0.5), quantile(1)]
}

/** Fifty each millisecond. A timer that comes late is made up for at once: the load does not wait for the bus. */
async function paced(ms: number, publish: () => unknown): Promise<void> {
  const started = performance.now()
  let published = 0
  while (published < ms * PER_MS) {
    await setTimeout(1)
    const due = Math.min(ms, performance.now() - started) * PER_MS
    for (let burst = 0; burst < BURST && published < due; burst++, published++) publish()
  }
  const late = performance.now() - started - ms
  if (!quick && late > ms / 10) throw new Error(`${ms} ms of events took ${Math.round(late)} ms longer.`)
  // The last burst may still be on its way.
  await setTimeout(20)
}
