import type { JournalRecord } from 'busline'
import { faults, settle, simulate, testBus, type World } from 'busline/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { brokenRules } from '../../src/testing/broken-rules.ts'
import { keepLedger, type Delivery, type Ledger } from '../../src/testing/ledger.ts'
import { unaccounted } from '../../src/testing/unaccounted.ts'
import { watchLanes } from '../../src/testing/watch-lanes.ts'
import { worldOf } from '../../src/testing/world.ts'
import { Carried, Carry, Greet, Moved, Pay, Said } from '../bus/fixtures/greeting.ts'
import { deferred, rejection } from '../bus/fixtures/promises.ts'
import { accusation, calmShop, never } from './fixtures/scenarios.ts'
import { Charge } from './fixtures/shop.ts'
import { overwrite, renumbered, tamper, withFile } from './fixtures/tamper.ts'

beforeEach(() => void vi.stubEnv('BUSLINE_SEED', undefined))
afterEach(() => void vi.unstubAllEnvs())

describe('a simulation accuses a world', () => {
  test('of nothing that keeps the rules', async () => {
    await simulate(calmShop(), { seeds: 5 })
  })

  test('of an effect that begins before its line has reached the disk', async () => {
    const scenario = async (world: World): Promise<void> => {
      // A disk that says of everything that it has it.
      withFile(world.files, { datasync: async () => undefined })
      const bus = world.bus({ durability: 'disk' })
      bus.handle(Pay, () => 'paid')
      await bus.execute(Pay, { amount: 1 })
      await bus.stop()
    }
    expect(await accusation(scenario)).toMatch(
      /^the effect money\.pay \(\w+-1\) began before its line was safe$/,
    )
  })

  test('of an effect that begins before its line has reached the system', async () => {
    const scenario = async (world: World): Promise<void> => {
      withFile(world.files, { append: (bytes) => bytes.length })
      const bus = world.bus()
      bus.handle(Pay, () => 'paid')
      await bus.execute(Pay, { amount: 1 })
      await bus.stop()
    }
    expect(await accusation(scenario)).toMatch(
      /^the effect money\.pay \(\w+-1\) began before its line was safe$/,
    )
  })

  test('of a gap in seq', async () => {
    const withGap = calmShop(({ files }) =>
      tamper(files, (records) => records.filter(({ seq }) => seq !== 4)),
    )
    expect(await accusation(withGap)).toBe('line 5 of the journal has seq 5 in place of 4')
  })

  test('of a line that is no record', async () => {
    const damaged = calmShop(({ files }) => overwrite(files, '\0\0\0\n'))
    expect(await accusation(damaged)).toMatch(/^JOURNAL_DAMAGED: Line 1 of \/journal\.jsonl is damaged/)
  })

  test('of a command without a terminal record', async () => {
    const silent = calmShop(({ files }) =>
      tamper(files, (records) =>
        renumbered(records.filter(({ kind, type }) => kind !== 'result' || type !== Charge.type)),
      ),
    )
    expect(await accusation(silent)).toMatch(/^shop\.charge \(\w+-1\.1\) has no terminal record$/)
  })

  test('of a command with two terminal records', async () => {
    const twice = calmShop(({ files }) =>
      tamper(files, (records) =>
        renumbered([
          ...records,
          ...records.filter(({ kind, type }) => kind === 'result' && type === Charge.type),
        ]),
      ),
    )
    expect(await accusation(twice)).toMatch(/^shop\.charge \(\w+-1\.1\) has 2 terminal records$/)
  })

  test('of a delivery that ended otherwise than the journal tells', async () => {
    const scenario = async (world: World): Promise<void> => {
      const bus = world.bus()
      bus.on(Carried, () => Promise.reject(new Error('too heavy')), { name: 'porter' })
      bus.publish(Carried, 1)
      await bus.stop()
      tamper(world.files, (records) =>
        renumbered(records.filter(({ type }) => !/deadLettered|deliveryFailed/.test(type))),
      )
    }
    expect(await accusation(scenario)).toMatch(
      /^the delivery of things\.carried \(\w+-1\) to porter was failed, and the journal does not tell$/,
    )
  })

  test('of timers that are left', async () => {
    const leaving = calmShop(({ clock }) => void clock.after(1, () => undefined))
    expect(await accusation(leaving)).toBe('1 timers are left after the end')
  })

  test('of a bus that was not stopped', async () => {
    expect(await accusation(async (world) => void world.bus())).toBe('a bus was not stopped')
  })

  test('of everything at once', async () => {
    const scenario = async (world: World): Promise<void> => {
      world.bus()
      world.clock.after(1, () => undefined)
    }
    expect(await accusation(scenario)).toBe('a bus was not stopped; 1 timers are left after the end')
  })
})

describe('a simulation takes as a matter of course', () => {
  test('commands without a terminal record that a crash cut off', async () => {
    const scenario = async (world: World): Promise<void> => {
      const bus = world.bus()
      bus.handle(Carry, never)
      void bus.execute(Carry, 1)
      await world.sleep(1)
      world.crash()
    }
    expect(await simulate(scenario, { seeds: [1] })).toMatchObject({ messages: 1 })
    await simulate(async (world) => {
      await scenario(world)
      await world.bus().stop()
    })
  })

  test('but not one that was sent after the crash', async () => {
    const scenario = async (world: World): Promise<void> => {
      await calmShop()(world)
      world.crash()
      const bus = world.bus()
      bus.handle(Greet, () => 'Hello!')
      await bus.execute(Greet, { name: 'Ada' })
      await bus.stop()
      tamper(world.files, (records) =>
        renumbered(records.filter(({ type, kind }) => kind !== 'result' || type !== Greet.type)),
      )
    }
    expect(await accusation(scenario)).toMatch(/^people\.greet \(\w+-1\) has no terminal record$/)
  })

  test('a journal that could not be written to the end, of which stop told the program', async () => {
    const scenario = async (world: World): Promise<void> => {
      const bus = world.bus()
      const answer = deferred<string>()
      bus.handle(Greet, () => answer.promise)
      bus.on(Carried, () => Promise.reject(new Error('too heavy')))
      const greeting = bus.execute(Greet, { name: 'Ada' })
      await world.sleep(1)
      world.files.room = 0
      answer.resolve('Hello!')
      bus.publish(Carried, 1)
      await greeting
      expect(await rejection(bus.stop())).toMatchObject({ code: 'JOURNAL_FAILED' })
    }
    expect(await simulate(scenario, { seeds: [1] })).toMatchObject({ messages: 1 })
  })

  test('deliveries that failed, were filtered, dropped or given up, since the journal tells of each', async () => {
    const scenario = async (world: World): Promise<void> => {
      const bus = world.bus()
      bus.use((_, next, scope) => (scope.random() < 0.3 ? undefined : next()), { for: [Carried] })
      bus.use(faults({ random: world.random, fail: 0.3, duplicate: 0.2 }), { for: [Carried] })
      bus.on(Carried, (_, scope) => scope.sleep(100), {
        name: 'slow',
        mailbox: { capacity: 2, overflow: 'drop-oldest' },
      })
      bus.on(Carried, () => undefined, { name: 'quick', retry: { attempts: 2 } })
      bus.on(Carried, never, { name: 'stuck' })
      for (let n = 0; n < 10; n++) bus.publish(Carried, n)
      const { abandoned } = await bus.stop({ deadline: 150 })
      expect(abandoned.length).toBeGreaterThan(0)
    }
    await simulate(scenario, { seeds: 50 })
  })
})

// From here on what no program can bring about: the watchers themselves, on what a bus never does.

describe('who watches lanes', () => {
  const watched = (): ReturnType<typeof testBus> & {
    violations: string[]
    watch: ReturnType<typeof watchLanes>
  } => {
    const violations: string[] = []
    return { ...testBus(), violations, watch: watchLanes((violation) => void violations.push(violation)) }
  }

  test('tells of two deliveries of one subscriber and key that overlap', async () => {
    const { bus, clock, violations, watch } = watched()
    bus.use((message, next, scope) => Promise.all([watch(message, next, scope), watch(message, next, scope)]))
    bus.on(Moved, (_, scope) => scope.sleep(10), { name: 'mover' })
    bus.publish(Moved, { key: 'a', n: 1 })
    await clock.runAll()

    expect(violations).toEqual([
      expect.stringMatching(/^things\.moved \(\w+-1\) began at mover during another delivery of key "a"$/),
    ])
  })

  test('says nothing of other keys, other subscribers, and one after the other', async () => {
    const { bus, clock, violations, watch } = watched()
    bus.use(watch)
    bus.handle(Greet, (_, scope) => scope.sleep(10).then(() => 'Hello!'))
    for (const name of ['left', 'right']) bus.on(Moved, (_, scope) => scope.sleep(10), { name })
    for (const key of ['a', 'b', 'a']) bus.publish(Moved, { key, n: 1 })
    const greetings = ['Ada', 'Bob'].map((name) => bus.execute(Greet, { name }))
    await clock.runAll()
    await Promise.all(greetings)

    expect(violations).toEqual([])
  })

  test('takes a delivery that was given up for one that has ended', async () => {
    const { bus, clock, violations, watch } = watched()
    const begun: number[] = []
    bus.use(watch)
    const hangs = ({ n }: { n: number }): Promise<never> => {
      begun.push(n)
      return never()
    }
    bus.on(Moved, hangs, { name: 'mover', timeout: 10 })
    for (const n of [1, 2]) bus.publish(Moved, { key: 'a', n })
    await clock.runAll()

    expect([begun, violations]).toEqual([[1, 2], []])
  })
})

describe('who keeps the ledger', () => {
  const kept = (
    isSafe: boolean,
  ): ReturnType<typeof testBus> & { keep: () => Ledger; violations: string[] } => {
    const violations: string[] = []
    const world = testBus()
    const report = (violation: string): void => void violations.push(violation)
    return { ...world, violations, keep: () => keepLedger(world.bus, { isSafe: () => isSafe, report }) }
  }

  test('tells of work that begins before it was recorded', async () => {
    const { bus, keep, violations } = kept(true)
    bus.on(Carried, () => undefined)
    bus.publish(Carried, 1)
    // Too late to see its record, and early enough to see its delivery.
    keep()
    await settle()

    expect(violations).toEqual([
      expect.stringMatching(/^things\.carried \(\w+-1\) began before it was recorded$/),
    ])
  })

  test('says nothing of deltas, which are recorded after their delivery', async () => {
    const { bus, keep, violations } = kept(true)
    keep()
    bus.on(Said, () => undefined)
    bus.publish(Said, { text: 'Hello!' })
    await bus.stop()

    expect(violations).toEqual([])
  })

  test('tells of an effect whose line is not safe, and of no other command', async () => {
    const { bus, keep, violations } = kept(false)
    keep()
    bus.handle(Pay, () => 'paid')
    bus.handle(Greet, () => 'Hello!')
    await bus.execute(Greet, { name: 'Ada' })
    await bus.execute(Pay, { amount: 1 })

    expect(violations).toEqual([
      expect.stringMatching(/^the effect money\.pay \(\w+-2\) began before its line was safe$/),
    ])
  })
})

describe('who accounts for deliveries', () => {
  const delivery: Delivery = { event: 'e-1', type: 'things.carried', subscriber: 'porter' }
  const accused = async (
    ledger: Partial<Ledger>,
    records: Partial<JournalRecord>[] = [],
  ): Promise<string[]> => {
    const { bus } = testBus()
    await bus.stop()
    return unaccounted({ bus, ledger: { begun: [], ended: [], ...ledger } }, numbered(records))
  }

  test('tells of one that never ended', async () => {
    expect(await accused({ begun: [delivery] })).toEqual([
      'the delivery of things.carried (e-1) to porter never ended',
    ])
  })

  test('tells of one that came to its subscriber more often than it began', async () => {
    const end = { ...delivery, outcome: 'delivered' } as const
    const wrong = [
      'the delivery of things.carried (e-1) to porter is said to be delivered more often than it began',
    ]
    expect(await accused({ ended: [end] })).toEqual(wrong)
    expect(await accused({ begun: [delivery], ended: [end, end] })).toEqual(wrong)
    expect(await accused({ begun: [delivery], ended: [end] })).toEqual([])
    expect(await accused({ begun: [delivery, delivery], ended: [end] })).toEqual([])
  })

  const note = { event: 'e-1', subscriber: 'porter' }
  test.for([
    ['dropped', 'bus.dropped', note],
    ['skipped', 'bus.filtered', note],
    ['skipped', 'bus.discarded', note],
    ['skipped', 'bus.abandoned', note],
    ['failed', 'bus.deadLettered', { message: 'e-1', subscriber: 'porter' }],
    ['failed', 'bus.deliveryFailed', { event: { id: 'e-1', type: 'things.carried' }, subscriber: 'porter' }],
  ] as const)('looks for one that was %s in a record of %s', async ([outcome, type, data]) => {
    const ledger = { ended: [{ ...delivery, outcome }] }
    const untold = `the delivery of things.carried (e-1) to porter was ${outcome}, and the journal does not tell`

    expect(await accused(ledger, [{ type, data }])).toEqual([])
    expect(await accused(ledger)).toEqual([untold])
    expect(await accused(ledger, [{ type, data: { ...data, subscriber: 'other' } }])).toEqual([untold])
    expect(await accused(ledger, [{ type: 'bus.tapFailed', data }])).toEqual([untold])
  })

  test('tells of what neither ended nor was given up by the stop', async () => {
    const { bus } = testBus()
    await bus.stop()
    const left = { ...bus.inspect(), delivering: 1, queued: [{ subscriber: 'porter', waiting: 2 }] }
    Object.assign(bus, { inspect: () => left })
    expect(await unaccounted({ bus, ledger: { begun: [], ended: [] } }, [])).toEqual([
      '3 commands and deliveries neither ended nor were given up by the stop',
    ])
  })
})

describe('who reads the journal', () => {
  const found = (records: Partial<JournalRecord>[]): Promise<string[]> =>
    brokenRules({ ...worldOf(1), records: () => numbered(records) })
  const command = { kind: 'command', type: 'people.greet', id: 'c-1' }
  const result = { kind: 'result', type: 'people.greet', of: 'c-1' }

  test('finds nothing in a command and its terminal record', async () => {
    expect(await found([{ kind: 'header' }, command, result])).toEqual([])
  })

  test('tells of a terminal record that stands before its command', async () => {
    expect(await found([result, command])).toEqual([
      'the terminal record of people.greet (c-1) stands before it',
    ])
  })

  test('tells of a terminal record of what is no command', async () => {
    expect(await found([{ ...command, kind: 'event' }, result])).toEqual([
      'a terminal record is of c-1, which is no command',
    ])
  })

  test('tells once of a gap, however long the journal goes on', async () => {
    expect(await found([{}, {}, { seq: 5 }, { seq: 6 }, { seq: 6 }])).toEqual([
      'line 3 of the journal has seq 5 in place of 2',
      'line 5 of the journal has seq 6 in place of 7',
    ])
  })

  test('tells of a journal that does not begin with 0', async () => {
    expect(await found([{ seq: 1 }])).toEqual(['line 1 of the journal has seq 1 in place of 0'])
  })
})

function numbered(records: Partial<JournalRecord>[]): JournalRecord[] {
  return records.map((record, seq) => ({ seq, time: 0, kind: 'note', type: 'bus.any', ...record }))
}
