import { join } from 'node:path'
import { jsonlJournal, MessageBus } from 'busline'
import { temporaryFolder } from './temporary.ts'

/** A bus that is measured, and its end; recorded to a file with the default durability, or not at all. */
export function benchBus(kind: 'recorded' | 'unrecorded'): { bus: MessageBus; stop: () => Promise<void> } {
  if (kind === 'unrecorded') {
    const bus = new MessageBus()
    return { bus, stop: () => stopped(bus) }
  }
  const { folder, remove } = temporaryFolder()
  const bus = new MessageBus({ journal: jsonlJournal(join(folder, 'bench.jsonl')) })
  return {
    bus,
    stop: async () => {
      await stopped(bus)
      remove()
    },
  }
}

async function stopped(bus: MessageBus): Promise<void> {
  const { abandoned, timedOut } = await bus.stop()
  if (timedOut || abandoned.length > 0) throw new Error(`${abandoned.length} messages had not ended.`)
}
