import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonlJournal, MessageBus, readJournal, type Durability, type JournalRecord } from 'busline'
import { seededRandom, simulatedFiles, type FileFaults, type SimulatedFiles } from 'busline/testing'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { Carried } from '../bus/fixtures/greeting.ts'
import { idle } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { readAll } from './fixtures/read-all.ts'

const PATH = '/a.jsonl'

/** Small values, and some that are blobs: of a few contents, so that most come more than once. */
const valueOf = (n: number): unknown => (n % 3 === 0 ? { n, text: String(n % 4).repeat(3000) } : { n })

/** Copies what a reader would find into a real folder, and returns the journal's path there. */
function dump(files: SimulatedFiles): string {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'a.blobs'))
  for (const name of files.list('/')) writeFileSync(join(folder, name), files.read(`/${name}`))
  for (const name of files.list('/a.blobs'))
    writeFileSync(join(folder, 'a.blobs', name), files.read(`/a.blobs/${name}`))
  return join(folder, 'a.jsonl')
}

function eventsOf(records: readonly JournalRecord[]): unknown[] {
  return records.filter(({ kind }) => kind === 'event').map(({ data }) => data)
}

/** A process that records and flushes on simulated files. */
class Life {
  readonly bus: MessageBus
  /** How many values it has published, and how many of them it was promised. */
  published = 0
  promised = 0
  #flushes: Promise<void>[] = []
  #journal

  constructor(files: SimulatedFiles, durability: Durability, first = 0) {
    this.published = first
    this.#journal = jsonlJournal(PATH, {
      durability,
      files,
      rotate: { bytes: 1500 },
      blobs: { over: 1024 },
    })
    this.bus = new MessageBus({ journal: this.#journal })
  }

  publish(count: number): void {
    for (let n = 0; n < count; n++) this.bus.publish(Carried, valueOf(this.published++))
  }

  flush(): void {
    const upTo = this.published
    const kept = (): void => void (this.promised = Math.max(this.promised, upTo))
    this.#flushes.push(this.#journal.flush().then(kept, () => undefined))
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.#flushes)
    await this.bus.stop().catch(() => undefined)
  }
}

type Step =
  { publish: number } | 'flush' | 'tick' | { ticks: number } | { faults: FileFaults } | { room: number }

const rate = fc.constantFrom(0, 0, 0.3, 0.9)
/** Of writing, rotating and syncing; only class `disk` syncs. */
const ALL = { shortWrite: rate, writeError: rate, renameError: rate, createError: rate, syncError: rate }
/** Where all go wrong at once, no file is ever exchanged. */
const oneOrNone = (faults: object): FileFaults[] => [
  {},
  ...Object.keys(faults).flatMap((fault) => [{ [fault]: 0.3 }, { [fault]: 1 }]),
]
const steps = (faults: Record<string, fc.Arbitrary<number>>): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      fc.record({ publish: fc.integer({ min: 1, max: 12 }) }),
      fc.constantFrom('flush' as const, 'flush' as const, 'tick' as const),
      // As many as a sync takes, or some syncs, so that programs end in each of their steps.
      fc.record({ ticks: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ faults: fc.oneof(fc.record(faults), fc.constantFrom(...oneOrNone(faults))) }),
      fc.record({ room: fc.constantFrom(0, 5000, 20_000, Infinity) }),
    ),
    { minLength: 3, maxLength: 40 },
  )

/** The new file has its first line, and that is not synced, when the sync fails. */
const SYNC_FAILS_AFTER_ROTATION: Step[] = [
  { publish: 7 },
  { ticks: 4 },
  { faults: { syncError: 0.3 } },
  'flush',
  { ticks: 1 },
  { ticks: 1 },
  'flush',
]

/** A line that comes while the blobs before it are synced goes with that sync, and its blob does not. */
const BLOB_DURING_SYNC: Step[] = [
  { faults: { shortWrite: 0.3, writeError: 0.3, createError: 0.3 } },
  { publish: 4 },
  'tick',
  { room: 5000 },
  'flush',
]

async function live(life: Life, files: SimulatedFiles, program: readonly Step[]): Promise<void> {
  for (const step of program) {
    if (step === 'flush') life.flush()
    else if (step === 'tick') await new Promise((resolve) => setImmediate(resolve))
    else if ('ticks' in step) await idle(step.ticks)
    else if ('publish' in step) life.publish(step.publish)
    else if ('faults' in step) files.faults = step.faults
    else files.room = step.room
  }
}

describe.each(['process', 'disk'] as const)('a rotated journal of class %s with blobs', (durability) => {
  test('has every flushed line and its blobs when its process is killed, whatever failed before, and goes on', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    await fc.assert(
      fc.asyncProperty(steps(ALL), fc.nat(), async (program, seed) => {
        const files = simulatedFiles({ random: seededRandom(seed) })
        const first = new Life(files, durability)
        await live(first, files, program)
        const { promised } = first
        files.crash('process')
        const events = eventsOf(await readAll(dump(files)))
        await first.end()

        expect(events.length).toBeGreaterThanOrEqual(promised)
        expect(events).toEqual(events.map((_, n) => JSON.parse(JSON.stringify(valueOf(n)))))
        files.faults = {}
        files.room = Infinity
        const second = new Life(files, durability, events.length)
        second.publish(20)
        await second.end()
        const all = await readAll(dump(files))
        expect(all.map(({ seq }) => seq)).toEqual(all.map((_, seq) => seq))
        expect(eventsOf(all)).toEqual(Array.from({ length: events.length + 20 }, (_, n) => valueOf(n)))
      }),
      { numRuns: 40 },
    )
    warn.mockRestore()
  })
})

describe.each(['buffered', 'process', 'disk'] as const)('a rotated journal of class %s', (durability) => {
  test('has every line once all works again, in order, and every blob', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    await fc.assert(
      fc.asyncProperty(steps(ALL), fc.nat(), async (program, seed) => {
        const files = simulatedFiles({ random: seededRandom(seed) })
        const life = new Life(files, durability)
        await live(life, files, program)
        files.faults = {}
        files.room = Infinity
        await life.end()

        const records = await readAll(dump(files))
        expect(records.map(({ seq }) => seq)).toEqual(records.map((_, seq) => seq))
        expect(eventsOf(records)).toEqual(Array.from({ length: life.published }, (_, n) => valueOf(n)))
      }),
      { numRuns: 40, examples: [[SYNC_FAILS_AFTER_ROTATION, 0]] },
    )
    warn.mockRestore()
  })
})

test('a journal of class disk has every flushed line and its blobs when the power is cut', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  await fc.assert(
    fc.asyncProperty(steps(ALL), fc.nat(), async (program, seed) => {
      const files = simulatedFiles({ random: seededRandom(seed) })
      const life = new Life(files, 'disk')
      await live(life, files, program)
      const { promised } = life
      files.crash('power')
      const path = dump(files)
      await life.end()

      // What comes after may be torn, and its blobs too: nobody was told that it is there.
      expect(await readUpTo(path, promised)).toEqual(Array.from({ length: promised }, (_, n) => valueOf(n)))
    }),
    { numRuns: 100, examples: [[BLOB_DURING_SYNC, 1813008032]] },
  )
  warn.mockRestore()
})

describe('a journal of class disk', () => {
  test('has each line once when the first sync after a rotation fails, or a later one', async () => {
    for (const well of [0, 1]) {
      const files = simulatedFiles()
      const life = new Life(files, 'disk')
      life.publish(10)
      await idle(9)
      expect(files.list('/')).toHaveLength(2)
      for (const syncError of [...Array.from({ length: well }, () => 0), 1, 0]) {
        files.faults = { syncError }
        life.publish(1)
        life.flush()
        await idle(5)
      }
      expect(life.promised).toBe(life.published)
      files.crash('power')

      const records = await readAll(dump(files))
      expect(records.map(({ seq }) => seq)).toEqual(records.map((_, seq) => seq))
      expect(eventsOf(records)).toHaveLength(life.published)
      await life.end()
    }
  })

  test('has a promised blob still when the power is cut while it is written again, after a sync that failed', async () => {
    const files = simulatedFiles({ random: () => 0 })
    const first = new Life(files, 'disk')
    first.publish(1)
    first.flush()
    await idle(5)
    expect(first.promised).toBe(1)
    await first.end()

    // The same content again, of which this process does not know that it was synced.
    const second = new Life(files, 'disk', 12)
    second.publish(1)
    files.faults = { syncError: 1 }
    second.flush()
    await idle(3)
    files.faults = {}
    second.flush()
    files.crash('power')

    expect(await readUpTo(dump(files), 1)).toEqual([valueOf(0)])
    await second.end()
  })

  test('promises a line only with the blobs that a killed process has left before it', async () => {
    for (const count of [1, 12]) {
      const files = simulatedFiles({ random: () => 0 })
      const first = new Life(files, 'disk')
      first.publish(count)
      await idle(count === 1 ? 1 : 9)
      files.crash('process')
      const second = new Life(files, 'disk', count)
      second.publish(1)
      second.flush()
      await idle(20)
      expect(second.promised).toBe(count + 1)
      files.crash('power')

      const promised = Array.from({ length: count + 1 }, (_, n) => valueOf(n))
      expect(await readUpTo(dump(files), count + 1)).toEqual(promised)
      await Promise.all([first.end(), second.end()])
    }
  })

  test('writes a blob again whose sync failed: the system would call it written', async () => {
    const files = simulatedFiles({ random: () => 0 })
    const life = new Life(files, 'disk')
    life.publish(1)
    files.faults = { syncError: 1 }
    life.flush()
    await idle(3)
    expect(life.promised).toBe(0)
    files.faults = {}
    life.flush()
    await idle(5)
    expect(life.promised).toBe(1)
    files.crash('power')

    expect(await readUpTo(dump(files), 1)).toEqual([valueOf(0)])
    await life.end()
  })

  test('has a full segment on the disk before the next one has a line', async () => {
    const files = simulatedFiles({ random: () => 0 })
    const life = new Life(files, 'disk')
    for (let n = 0; n < 60; n++) {
      life.publish(2)
      await idle(1)
    }
    expect(files.list('/').length).toBeGreaterThan(3)
    life.flush()
    await idle(9)
    expect(life.promised).toBe(120)
    files.crash('power')

    expect(await readUpTo(dump(files), 120)).toEqual(Array.from({ length: 120 }, (_, n) => valueOf(n)))
    await life.end()
  })
})

/** The first events of a journal that may be damaged after them. */
async function readUpTo(path: string, count: number): Promise<unknown[]> {
  const events: unknown[] = []
  if (count === 0) return events
  for await (const { kind, data } of readJournal(path)) {
    if (kind === 'event' && events.push(data) === count) break
  }
  return events
}
