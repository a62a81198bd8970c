// # Order
//
// Per subscriber and key (default: the session) events arrive in record order, one at a time. Different keys and
// different subscribers go on in parallel. `seq` is a total order of a bus.
import { MessageBus } from 'busline'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Greeted, Moved } from '../bus/fixtures/greeting.ts'
import { deferred, idle } from '../bus/fixtures/promises.ts'
import { recordedBus } from '../bus/fixtures/recorded-bus.ts'

test('events of one key arrive in order and one at a time, whatever each takes', async () => {
  const events = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), hops: fc.nat(4) }), {
    maxLength: 30,
  })
  await fc.assert(
    fc.asyncProperty(events, async (plan) => {
      const bus = new MessageBus()
      const running = new Set<string>()
      const heard = new Map<string, number[]>()
      bus.on(Moved, async ({ key, n }) => {
        expect(running).not.toContain(key)
        running.add(key)
        heard.set(key, [...(heard.get(key) ?? []), n])
        for (let hop = 0; hop < (plan[n]?.hops ?? 0); hop++) await Promise.resolve()
        running.delete(key)
      })
      await Promise.all(plan.map(({ key }, n) => bus.publish(Moved, { key, n }).settled))

      const expected = (key: string): number[] => plan.flatMap((event, n) => (event.key === key ? [n] : []))
      expect([...heard].every(([key, numbers]) => String(numbers) === String(expected(key)))).toBe(true)
      expect([...heard.values()].flat()).toHaveLength(plan.length)
    }),
  )
})

test('a slow delivery of one session delays no other session, and no other subscriber', async () => {
  const bus = new MessageBus()
  const stuck = deferred()
  const heard: string[] = []
  bus.on(Greeted, (_, { session }) => (session === 'slow' ? stuck.promise : void heard.push('first')))
  bus.on(Greeted, () => void heard.push('second'))
  bus.session('slow').publish(Greeted, { name: 'Ada' })
  bus.session('other').publish(Greeted, { name: 'Bob' })
  await idle()

  expect(heard).toEqual(['second', 'first', 'second'])
  stuck.resolve()
})

test('an event may have a key of its own, and a subscriber too', async () => {
  const bus = new MessageBus()
  const stuck = deferred()
  const heard: number[] = []
  bus.on(Moved, ({ n }) => (n === 1 ? stuck.promise : void heard.push(n)))
  bus.on(Moved, ({ n }) => (n === 1 ? stuck.promise : void heard.push(n * 10)), { key: () => 'one lane' })
  bus.publish(Moved, { key: 'a', n: 1 })
  bus.publish(Moved, { key: 'b', n: 2 })
  await idle()

  expect(heard).toEqual([2])
  stuck.resolve()
})

test('seq is contiguous over all that a bus records', async () => {
  const { bus, journal } = recordedBus()
  bus.on(Greeted, (_, scope) => void scope.publish(Moved, { key: 'a', n: 1 }))
  for (let n = 0; n < 50; n++) bus.publish(Greeted, { name: 'Ada' })
  await idle()

  expect(journal.records.map(({ seq }) => seq)).toEqual(journal.records.map((_, index) => index))
  expect(journal.records).toHaveLength(101)
})
