import { simulate, type World } from 'busline/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Carried, Carry, Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { thrownBy } from '../bus/fixtures/promises.ts'

beforeEach(() => void vi.stubEnv('BUSLINE_SEED', undefined))
afterEach(() => void vi.unstubAllEnvs())

/** Tries something in one world. */
async function inWorld(work: (world: World) => Promise<void>): Promise<void> {
  await simulate(work, { seeds: [1] })
}

describe('a world', () => {
  test('takes the options of a bus', () =>
    inWorld(async (world) => {
      const bus = world.bus({ maxDepth: 1 })
      bus.handle(Greet, (_, scope) => scope.execute(Carry, 1).then(String))
      bus.handle(Carry, () => 1)
      await expect(bus.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({ code: 'TOO_DEEP' })
      await bus.stop()
    }))

  test('tells what its journal has, whole lines only', () =>
    inWorld(async (world) => {
      expect(world.records()).toEqual([])
      const bus = world.bus()
      bus.publish(Carried, 1)
      await bus.stop()
      expect(world.records()).toMatchObject([{ kind: 'header' }, { type: 'things.carried', data: 1 }])

      world.files.faults = { shortWrite: 1 }
      const next = world.bus()
      next.publish(Carried, 2)
      world.files.room = world.files.read('/journal.jsonl').length + 10
      await world.sleep(1)
      expect(world.files.read('/journal.jsonl').endsWith('\n')).toBe(false)
      expect(world.records()).toHaveLength(2)

      world.files.room = Infinity
      await next.stop()
      expect(
        world
          .records()
          .map(({ type }) => type)
          .slice(2),
      ).toEqual(['bus.opened', 'things.carried'])
    }))

  test('has one bus at a time', () =>
    inWorld(async (world) => {
      const bus = world.bus()
      expect(thrownBy(() => world.bus())).toMatchObject({ code: 'JOURNAL_IN_USE' })
      await bus.stop()
      await world.bus().stop()
    }))

  test('makes the faults that a bus is to meet, for what they are for', () =>
    inWorld(async (world) => {
      const bus = world.bus()
      bus.use(world.faults({ fail: 1, for: [Greet] }))
      bus.handle(Greet, () => 'Hello!')
      bus.handle(Carry, () => 1)
      await expect(bus.execute(Greet, { name: 'Ada' })).rejects.toMatchObject({ code: 'FAULT_INJECTED' })
      expect(await bus.execute(Carry, 1)).toBe(1)
      await bus.stop()
    }))

  test('has time go on by itself, and only so far', () =>
    inWorld(async (world) => {
      const started = world.clock.now()
      await world.sleep(86_400_000)
      expect(world.clock.now() - started).toBe(86_400_000)
    }))
})

describe('a crash', () => {
  test('ends what runs and waits: no handler begins, no timer rings, nothing settles', () =>
    inWorld(async (world) => {
      const told: string[] = []
      const tell = (what: string) => () => void told.push(what)
      const bus = world.bus()
      bus.handle(Greet, async (_, scope) => {
        await scope.sleep(10)
        told.push('greeted')
        return 'Hello!'
      })
      bus.handle(Carry, async (_, scope) => {
        await scope.sleep(1)
        told.push('carried')
      })
      bus.on(Greeted, tell('heard'))
      void bus.execute(Greet, { name: 'Ada' }).then(tell('settled'), tell('settled'))
      bus.after(5, tell('rang'))
      await world.sleep(1)
      void bus.execute(Carry, 1).then(tell('settled'), tell('settled'))
      bus.publish(Greeted, { name: 'Ada' })
      world.crash()
      bus.after(5, tell('rang'))
      void bus.execute(Carry, 1).then(tell('settled'), tell('settled'))
      await world.sleep(10_000)

      expect(told).toEqual([])
    }))

  test('keeps what the journal has, and another bus goes on with it', () =>
    inWorld(async (world) => {
      const bus = world.bus()
      bus.publish(Carried, 1)
      await world.sleep(1)
      const before = world.records()
      bus.publish(Carried, 2)
      world.crash()
      bus.publish(Carried, 3)
      expect(world.records()).toEqual(before)

      const next = world.bus()
      next.publish(Carried, 4)
      await next.stop()
      expect(world.records().slice(before.length)).toMatchObject([{ type: 'bus.opened' }, { data: 4 }])
    }))

  test('of the power takes what was not synced', () =>
    inWorld(async (world) => {
      const bus = world.bus({ durability: 'process' })
      for (let n = 0; n < 100; n++) bus.publish(Carried, n)
      await world.sleep(1)
      expect(world.records()).toHaveLength(101)
      world.crash('power')
      expect(world.records().length).toBeLessThan(101)
    }))
})
