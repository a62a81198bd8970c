import { MessageBus, type MessageBusOptions } from '../bus/message-bus.ts'
import { memoryJournal, type MemoryJournal } from '../journal/memory-journal.ts'
import { seededIds, seededRandom } from './seeded-random.ts'
import { virtualClock, type VirtualClock } from './virtual-clock.ts'

export interface TestBusOptions extends Omit<
  MessageBusOptions,
  'journal' | 'now' | 'after' | 'newId' | 'random'
> {
  /** Default 1. */
  seed?: number
  /** Where the clock begins, in epoch milliseconds (default 2026-01-01). */
  start?: number
}

export interface TestBus {
  readonly bus: MessageBus
  readonly clock: VirtualClock
  readonly journal: MemoryJournal
  readonly random: () => number
}

/**
 * A bus on a journal in memory, with a clock that stands, and ids and randomness from a seed: the same script yields
 * the same journal, byte for byte but for the header's `node` and `pid`.
 */
export function testBus({ seed = 1, start, ...options }: TestBusOptions = {}): TestBus {
  const clock = virtualClock(start === undefined ? {} : { start })
  const journal = memoryJournal()
  const random = seededRandom(seed)
  const bus = new MessageBus({
    ...options,
    journal,
    now: clock.now,
    after: clock.after,
    newId: seededIds(seed),
    random,
  })
  return { bus, clock, journal, random }
}
