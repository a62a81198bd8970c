import { setTimeout } from 'node:timers/promises'
import { defineEvent, MessageBus, type SessionScope } from 'busline'
import * as z from 'zod'
import { Heard } from './heard.ts'
import { scaled } from './measure.ts'
import type { Table } from './table.ts'

const Greeted = defineEvent('people.greeted', { data: z.object({ name: z.string() }) })
const SESSIONS = 10_000
const SUBSCRIPTIONS = 10

/** What closed sessions leave behind. The aim: within 2 MB, no timer and no handle. */
export const tables: readonly Table[] = [
  {
    head: `${SESSIONS.toLocaleString('en')} sessions with ${SUBSCRIPTIONS} subscriptions, opened and closed`,
    columns: ['MB kept', 'timers and handles kept'],
    flags: ['--expose-gc'],
    cases: {
      'one after another': () => kept(oneAfterAnother),
      'all open at once': () => kept(allAtOnce),
    },
  },
]

type Visit = (bus: MessageBus, count: number, heard: Heard) => Promise<void>

async function kept(visit: Visit): Promise<readonly number[]> {
  const bus = new MessageBus()
  const heard = new Heard()
  // Code is compiled once a process. Few, so that a pool that grows with the number of sessions still shows.
  await visit(bus, 500, heard)
  const before = await inUse()
  await visit(bus, scaled(SESSIONS), heard)
  const after = await inUse()
  await bus.stop()
  return [(after.heap - before.heap) / 1e6, after.resources - before.resources]
}

async function oneAfterAnother(bus: MessageBus, count: number, heard: Heard): Promise<void> {
  for (let index = 0; index < count; index++) {
    const session = opened(bus, index, heard)
    await session.publish(Greeted, { name: 'Ada' }).settled
    session.dispose()
  }
  heard.all(count * SUBSCRIPTIONS)
}

async function allAtOnce(bus: MessageBus, count: number, heard: Heard): Promise<void> {
  const sessions = Array.from({ length: count }, (_, index) => opened(bus, index, heard))
  for (const session of sessions) await session.publish(Greeted, { name: 'Ada' }).settled
  for (const session of sessions) session.dispose()
  heard.all(count * SUBSCRIPTIONS)
}

let sessions = 0

function opened(bus: MessageBus, index: number, heard: Heard): SessionScope {
  const session = bus.session(`visitor-${sessions++}-${index}`)
  for (let subscription = 0; subscription < SUBSCRIPTIONS; subscription++)
    session.on(Greeted, () => heard.one())
  return session
}

async function inUse(): Promise<{ heap: number; resources: number }> {
  if (globalThis.gc === undefined) throw new Error('Run with --expose-gc.')
  // Twice, with time for finalizers and for what was put off to the next turn.
  await setTimeout(50)
  globalThis.gc()
  await setTimeout(50)
  globalThis.gc()
  return { heap: process.memoryUsage().heapUsed, resources: process.getActiveResourcesInfo().length }
}
