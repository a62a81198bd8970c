import type { JournalRecord } from '../bus/journal.ts'
import type { MessageBus, MessageBusOptions } from '../bus/message-bus.ts'
import { BuslineError } from '../messages/busline-error.ts'
import { faults, type FaultMiddleware, type FaultOptions, type InjectedFault } from './faults.ts'
import { incarnate, JOURNAL, type Incarnation } from './incarnation.ts'
import { seededIds, seededRandom } from './seeded-random.ts'
import { simulatedFiles, type SimulatedFiles } from './simulated-files.ts'
import { virtualClock, type VirtualClock } from './virtual-clock.ts'

export interface WorldBusOptions extends Omit<
  MessageBusOptions,
  'journal' | 'now' | 'after' | 'newId' | 'random'
> {
  /** The journal's class (default `process`). Not `buffered`, which writes by a timer of Node's. */
  durability?: 'process' | 'disk'
}

/** All that a simulated program has of the world, made anew from each seed. */
export interface World {
  readonly seed: number
  readonly random: () => number
  readonly clock: VirtualClock
  /** Set `files.faults` and `files.room` for a journal that can't be written. */
  readonly files: SimulatedFiles
  /** Starts a bus that writes `/journal.jsonl`, going on with what is there. One that ran before has to be stopped. */
  bus(options?: WorldBusOptions): MessageBus
  /** Middleware that injects {@link faults}, drawn from the seed and counted in the report: `bus.use(world.faults({ fail: 0.1 }))`. */
  faults(options: Omit<FaultOptions, 'random' | 'seed'>): FaultMiddleware
  /** Resolves when the clock has gone on by so many milliseconds, whatever crashes. */
  sleep(ms: number): Promise<void>
  /**
   * Ends the program where it stands: no timer, message or write of its buses goes on, and what was sent on them never
   * settles, so don't await it after this. (A handler that waits for a promise of its own can't be stopped, but nothing
   * comes of what it sends.) The files are as a kill (`process`, the default) or a power cut leaves them.
   */
  crash(kind?: 'process' | 'power'): void
  /** What the journal tells: its whole lines, parsed. Throws `JOURNAL_DAMAGED` where one is no JSON. */
  records(): JournalRecord[]
}

/** A world with what the simulation keeps for itself. */
export interface ObservedWorld extends World {
  /** Lives that did not crash. */
  readonly survivors: readonly Incarnation[]
  readonly crashes: number
  /** What went wrong where nobody would see it. */
  readonly violations: readonly string[]
  readonly faultCount: number
  /** Lets nothing go on. */
  end(): void
}

/** Makes the world of a seed. */
export function worldOf(seed: number): ObservedWorld {
  const random = seededRandom(seed)
  const clock = virtualClock()
  const files = simulatedFiles({ random })
  const newId = seededIds(seed)
  const injected: (readonly InjectedFault[])[] = []
  const violations: string[] = []
  const report = (violation: string): void => void violations.push(violation)
  let survivors: Incarnation[] = []
  let crashes = 0
  const end = (): void => {
    for (const life of survivors) life.kill()
  }

  return {
    seed,
    random,
    clock,
    files,
    violations,
    get survivors() {
      return survivors
    },
    get crashes() {
      return crashes
    },
    get faultCount() {
      return injected.reduce((sum, list) => sum + list.length, files.injected.length)
    },
    bus: ({ durability = 'process', ...options } = {}) => {
      const life = incarnate({ clock, random, newId, files, report }, { ...options, durability })
      survivors.push(life)
      return life.bus
    },
    faults: (options) => {
      const layer = faults({ ...options, random })
      injected.push(layer.injected)
      return layer
    },
    sleep: (ms) => new Promise((resolve) => void clock.after(ms, resolve)),
    crash: (kind = 'process') => {
      crashes++
      files.crash(kind)
      end()
      survivors = []
    },
    records: () => {
      const lines = files.read(JOURNAL).split('\n').slice(0, -1)
      return lines.map(parseLine)
    },
    end,
  }
}

function parseLine(line: string, index: number): JournalRecord {
  try {
    return JSON.parse(line)
  } catch (error) {
    const where = `Line ${index + 1} of ${JOURNAL}`
    throw new BuslineError('JOURNAL_DAMAGED', `${where} is damaged: it is not a line of JSON.`, {
      cause: error,
    })
  }
}
