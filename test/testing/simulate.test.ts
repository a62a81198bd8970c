import { BuslineError } from 'busline'
import { simulate, type World } from 'busline/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Carried, Carry, Greet, Pay } from '../bus/fixtures/greeting.ts'
import { rejection } from '../bus/fixtures/promises.ts'
import { faultyShop } from './fixtures/faulty-shop.ts'
import { accusation, calmShop, never } from './fixtures/scenarios.ts'

test('a shop keeps all rules while calls, files and the power fail', async () => {
  const { seeds, ...met } = await simulate(faultyShop, { seeds: 300 })

  // With BUSLINE_SEED there is only one, which need not meet everything.
  if (seeds > 1) expect(met).toEqual({ messages: more(3000), faults: more(1500), crashes: 200 })
})

function more(than: number): unknown {
  return expect.toSatisfy((count: number) => count > than, `more than ${than}`)
}

describe('a simulation', () => {
  beforeEach(() => void vi.stubEnv('BUSLINE_SEED', undefined))
  afterEach(() => void vi.unstubAllEnvs())

  const seedsRun = async (options?: Parameters<typeof simulate>[1]): Promise<number[]> => {
    const seeds: number[] = []
    await simulate(async ({ seed }) => void seeds.push(seed), options)
    return seeds
  }

  describe('runs', () => {
    test('100 seeds from 1 on, or as many as it is told', async () => {
      const seeds = await seedsRun()
      expect([seeds.length, seeds[0], seeds.at(-1)]).toEqual([100, 1, 100])
      expect(await seedsRun({ seeds: 3 })).toEqual([1, 2, 3])
    })

    test('the seeds of a list, in its order', async () => {
      expect(await seedsRun({ seeds: [7, 3, 7] })).toEqual([7, 3, 7])
    })

    test('no fewer than one seed, and only whole numbers', async () => {
      for (const seeds of [0, -1, Number.NaN, [], [1.5]])
        await expect(seedsRun({ seeds })).rejects.toMatchObject({
          code: 'INVALID_OPTION',
          data: { option: 'seeds' },
        })
    })

    test('the one seed of BUSLINE_SEED, whatever the test says', async () => {
      vi.stubEnv('BUSLINE_SEED', '42')
      expect(await seedsRun({ seeds: [1, 2] })).toEqual([42])
    })

    test('nothing with a BUSLINE_SEED that is no whole number', async () => {
      vi.stubEnv('BUSLINE_SEED', 'seven')
      expect(await rejection(seedsRun())).toMatchObject({
        code: 'INVALID_OPTION',
        message: 'BUSLINE_SEED must be a whole number, not seven.',
        data: { option: 'BUSLINE_SEED' },
      })
    })

    test('onSeed before each seed, with its place', async () => {
      const told: (string | number)[] = []
      await simulate(async ({ seed }) => void told.push(`runs ${seed}`), {
        seeds: [5, 9],
        onSeed: (seed, index) => void told.push(`${index}: ${seed}`),
      })
      expect(told).toEqual(['0: 5', 'runs 5', '1: 9', 'runs 9'])
    })

    test('each seed in a world of its own', async () => {
      const beginnings: unknown[] = []
      await simulate(
        async (world) => {
          beginnings.push([world.clock.now(), world.records().length, world.files.injected.length])
          await calmShop()(world)
        },
        { seeds: 3 },
      )
      expect(new Set(beginnings.map(String)).size).toBe(1)
    })
  })

  describe('repeats itself', () => {
    const journalOf = async (seed: number): Promise<string> => {
      let journal = ''
      const scenario = async (world: World): Promise<void> => {
        await faultyShop(world)
        journal = world.files.read('/journal.jsonl')
      }
      await simulate(scenario, { seeds: [seed] })
      return journal
    }

    test('the same seed gives the same journal, byte for byte', async () => {
      for (const seed of [1, 2, 3, 4, 5, 6]) expect(await journalOf(seed)).toBe(await journalOf(seed))
    })

    test('another seed gives another', async () => {
      expect(await journalOf(6)).not.toBe(await journalOf(12))
    })
  })

  test('reports what it went through', async () => {
    const scenario = async (world: World): Promise<void> => {
      await calmShop()(world)
      world.crash()
    }
    expect(await simulate(scenario, { seeds: 4 })).toEqual({
      seeds: 4,
      // An order: two commands and two events.
      messages: 16,
      faults: 0,
      crashes: 4,
    })
  })

  test('counts the faults of calls and of files', async () => {
    const scenario = async (world: World): Promise<void> => {
      const bus = world.bus()
      bus.use(world.faults({ fail: 1, for: [Greet] }))
      world.files.faults = { shortWrite: 1 }
      bus.handle(Greet, () => '')
      await bus.execute(Greet, { name: 'Ada' }).catch(() => undefined)
      await bus.stop()
      expect(world.files.injected.length).toBeGreaterThan(0)
      counts.push(1 + world.files.injected.length)
    }
    const counts: number[] = []
    expect(await simulate(scenario, { seeds: [1] })).toMatchObject({ faults: counts[0] })
  })

  describe('that fails', () => {
    const thrown = new Error('an order is lost')
    const losing = calmShop(({ seed }) => {
      if (seed === 3) throw thrown
    })

    test('tells the seed, a line that repeats it, the end of the journal and the cause', async () => {
      let lines: string[] = []
      const scenario = async (world: World): Promise<void> => {
        try {
          await losing(world)
        } finally {
          lines = world.files.read('/journal.jsonl').trimEnd().split('\n')
        }
      }
      const error = await rejection(simulate(scenario))

      expect(error).toBeInstanceOf(BuslineError)
      expect(error).toMatchObject({ code: 'SIMULATION_FAILED', data: { seed: 3 }, cause: thrown })
      expect(String(error).split('\n')).toEqual([
        'BuslineError: Seed 3: Error: an order is lost',
        "Repeat it: simulate(scenario, { seeds: [3] }), or BUSLINE_SEED=3 npx vitest run <the test's file>",
        "The journal's end:",
        ...lines.slice(-12),
      ])
      expect(lines.at(-1)).toContain('shop.orderShipped')
    })

    test('shows only the last twelve lines of a long journal', async () => {
      const error = await rejection(
        simulate(
          async (world) => {
            const bus = world.bus()
            for (let n = 0; n < 30; n++) bus.publish(Carried, n)
            await bus.stop()
            throw thrown
          },
          { seeds: [1] },
        ),
      )
      const shown = String(error).split('\n').slice(3)
      expect(shown).toHaveLength(12)
      expect(shown.at(-1)).toContain('"data":29')
    })

    test('runs no further seed', async () => {
      const seeds: number[] = []
      await rejection(simulate(losing, { seeds: 10, onSeed: (seed) => void seeds.push(seed) }))
      expect(seeds).toEqual([1, 2, 3])
    })

    test('fails again with the seed that it names', async () => {
      vi.stubEnv('BUSLINE_SEED', '3')
      expect(await rejection(simulate(losing))).toMatchObject({ data: { seed: 3 } })
    })

    test('tells the code of a BuslineError', async () => {
      const scenario = async (world: World): Promise<void> =>
        void (await world.bus().execute(Greet, { name: 'Ada' }))
      expect(await accusation(scenario)).toMatch(/^NO_HANDLER: No handler for people\.greet/)
    })

    test('leaves nothing behind, even where its files can not be written', async () => {
      const listeners = process.listenerCount('exit')
      const scenario = async (world: World): Promise<void> => {
        const bus = world.bus()
        bus.after(1000, () => expect.unreachable())
        world.files.faults = { writeError: 1 }
        bus.publish(Carried, 1)
        throw thrown
      }
      expect(await accusation(scenario)).toBe('Error: an order is lost')
      await new Promise((resolve) => setImmediate(resolve))
      expect(process.listenerCount('exit')).toBe(listeners)
    })
  })

  describe('reports a scenario as stuck', () => {
    test('that waits while no timer is set', async () => {
      expect(await accusation(never)).toBe('it is stuck: it waits, and no timer is set.')
    })

    test('with the commands and deliveries that run', async () => {
      const scenario = async (world: World): Promise<void> => {
        const bus = world.bus()
        bus.handle(Carry, never)
        bus.on(Carried, never, { name: 'porter' })
        bus.publish(Carried, 1)
        await bus.execute(Carry, 1)
      }
      expect(await accusation(scenario)).toMatch(
        /no timer is set\. Running: things\.carry \(\w+-2\), the delivery of things\.carried \(\w+-1\) to porter\.$/,
      )
    })

    test('that waits while timers are set for ever', async () => {
      const scenario = async (world: World): Promise<void> => {
        const bus = world.bus()
        const poll = (): void => void bus.after(1000, poll)
        poll()
        await never()
      }
      expect(await accusation(scenario)).toBe(
        'it is stuck: 100000 timers have run, more are set, and it still waits.',
      )
    })

    test('not while it waits for time, promises and files', async () => {
      const scenario = async (world: World): Promise<void> => {
        const bus = world.bus({ durability: 'disk' })
        bus.handle(Pay, async (_, scope) => {
          await scope.sleep(86_400_000)
          for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
          return 'paid'
        })
        await bus.execute(Pay, { amount: 1 })
        await bus.stop()
      }
      expect(await simulate(scenario, { seeds: [1] })).toMatchObject({ messages: 1 })
    })
  })
})
