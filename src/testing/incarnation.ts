import { MessageBus, type MessageBusOptions } from '../bus/message-bus.ts'
import type { Middleware } from '../bus/middleware.ts'
import { jsonlJournal } from '../journal/jsonl-journal.ts'
import { keepLedger, type Ledger } from './ledger.ts'
import type { SimulatedFiles } from './simulated-files.ts'
import type { VirtualClock } from './virtual-clock.ts'
import { watchLanes } from './watch-lanes.ts'

/** The file that simulated buses write. */
export const JOURNAL = '/journal.jsonl'

/** One life of a simulated program's bus, from its start to its stop or to a crash. */
export interface Incarnation {
  readonly bus: MessageBus
  readonly ledger: Ledger
  /** Nothing of it goes on: no timer, no handler, no line. */
  kill(): void
}

/** What a life needs of its world. */
export interface Surroundings {
  readonly clock: VirtualClock
  readonly random: () => number
  readonly newId: () => string
  readonly files: SimulatedFiles
  readonly report: (violation: string) => void
}

/** Starts a bus that is watched, and that can be killed. */
export function incarnate(
  { clock, random, newId, files, report }: Surroundings,
  { durability, ...options }: MessageBusOptions & { durability: 'process' | 'disk' },
): Incarnation {
  let dead = false
  const timers = new Set<() => void>()
  const journal = jsonlJournal(JOURNAL, { durability, files })
  const bus = new MessageBus({
    ...options,
    journal,
    now: clock.now,
    newId,
    random,
    after: (ms, run) => {
      if (dead) return () => undefined
      const off = clock.after(ms, () => {
        timers.delete(off)
        run()
      })
      timers.add(off)
      return () => {
        timers.delete(off)
        off()
      }
    },
  })

  const never = new Promise<never>(() => undefined)
  const freeze: Middleware = async (_, next) => {
    if (dead) return never
    const result = await next()
    return dead ? never : result
  }
  bus.use(freeze)
  const isSafe = (id: string): boolean => {
    const stored = durability === 'disk' ? files.durable(JOURNAL) : files.read(JOURNAL)
    return stored.includes(`"id":"${id}"`)
  }
  const ledger = keepLedger(bus, { isSafe, report })
  bus.use(watchLanes(report))
  // Promises of one turn end in another order: a handler starts a few microtasks later than it would.
  bus.use(async function hops(_, next) {
    for (let hops = Math.floor(random() * 4); hops > 0; hops--) await Promise.resolve()
    return next()
  })
  bus.use(freeze)

  const kill = (): void => {
    dead = true
    for (const off of timers) off()
    // For its listener for the end of the process to leave. What it can't write any more concerns nobody: the program
    // has ended, or the simulation has and says why.
    journal.close().catch(() => undefined)
  }
  return { bus, ledger, kill }
}
