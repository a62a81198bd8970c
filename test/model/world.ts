import { MessageBus, type Journal } from 'busline'
import type * as fc from 'fast-check'
import { Referee } from './referee.ts'
import type { TestedBus } from './tested-bus.ts'

export interface World {
  readonly bus: TestedBus
  readonly referee: Referee
  readonly scheduler: fc.Scheduler
  /** Timers that were set, and have neither rung nor been taken back. */
  readonly timers: ReadonlySet<object>
}

/** What is put in the place of the bus, or of what it works with, to see whether that is noticed. */
export interface Sabotage {
  readonly bus?: (bus: TestedBus) => TestedBus
  readonly journal?: (journal: Journal) => Journal
}

/**
 * A bus of which everything that takes time takes as long as the scheduler likes: flushes, cleanups, and timers, which
 * ring in any order.
 */
export function world(scheduler: fc.Scheduler, sabotage: Sabotage = {}): World {
  const timers = new Set<object>()
  const referee: Referee = new Referee(() => bus.state)
  const sometime = (label: string): Promise<void> => scheduler.schedule(Promise.resolve(), label)
  const journal: Journal = {
    append: (line) => referee.line(line),
    flush: () => sometime('flush'),
    close: () => {
      referee.closed = true
      return sometime('close')
    },
  }
  const real = new MessageBus({
    journal: sabotage.journal?.(journal) ?? journal,
    now: () => 1000,
    newId: () => 'run',
    random: () => 0.5,
    after: (ms, run) => {
      const timer = { ms }
      timers.add(timer)
      // Cleanups and the journal are never late here.
      if (bus.state === 'flushing' || bus.state === 'stopped') return () => timers.delete(timer)
      void sometime(`${ms} ms`).then(() => timers.delete(timer) && run())
      return () => timers.delete(timer)
    },
  })
  real.attach(() => () => sometime('cleanup'))
  const bus = sabotage.bus?.(real) ?? real
  return { bus, referee, scheduler, timers }
}
