import { setImmediate } from 'node:timers/promises'

/** How many are sent before the event loop goes on, as in a process that does I/O. */
export const BURST = 1000

/**
 * Calls `once` so many times, in bursts. For everybody alike: without them journals would pile up in memory and
 * mailboxes run over.
 */
export async function inBursts(count: number, once: () => unknown): Promise<void> {
  for (let index = 1; index <= count; index++) {
    once()
    if (index % BURST === 0) await setImmediate()
  }
}

/** The same, each awaited before the next. */
export async function oneByOne(count: number, once: () => unknown): Promise<void> {
  for (let index = 1; index <= count; index++) {
    await once()
    if (index % BURST === 0) await setImmediate()
  }
}
