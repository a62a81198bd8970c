// # Publish
//
// `publish` accepts and records at once and returns a receipt, which is no promise. `receipt.settled` resolves when this
// event's own deliveries have ended, and never rejects. Nothing waits for strangers. Deliveries begin in a microtask
// after the publishing code yields, in order, never inside `publish`.
import { MessageBus } from 'busline'
import { expect, test } from 'vitest'
import { Greeted, Moved } from '../bus/fixtures/greeting.ts'
import { deferred } from '../bus/fixtures/promises.ts'
import { recordedBus } from '../bus/fixtures/recorded-bus.ts'

test('an event is recorded when publish returns, and no subscriber has run yet', () => {
  const { bus, journal } = recordedBus()
  const heard: string[] = []
  bus.on(Greeted, ({ name }) => void heard.push(name))
  const receipt = bus.publish(Greeted, { name: 'Ada' })

  expect(journal.records.at(-1)).toMatchObject({ kind: 'event', id: receipt.id, data: { name: 'Ada' } })
  expect(heard).toEqual([])
})

test('a receipt is no promise', () => {
  expect(new MessageBus().publish(Greeted, { name: 'Ada' })).not.toHaveProperty('then')
})

test('deliveries begin in the next microtask, in the order of publishing', async () => {
  const bus = new MessageBus()
  const heard: string[] = []
  bus.on(Greeted, ({ name }) => void heard.push(name))
  bus.publish(Greeted, { name: 'Ada' })
  bus.publish(Greeted, { name: 'Bob' })
  await Promise.resolve()

  expect(heard).toEqual(['Ada', 'Bob'])
})

test('settled resolves, with counts, when the deliveries have ended, also the failed ones', async () => {
  const bus = new MessageBus()
  bus.on(Greeted, () => undefined)
  bus.on(Greeted, () => Promise.reject(new Error('no')))

  expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toEqual({
    delivered: 1,
    failed: 1,
    skipped: 0,
    dropped: 0,
  })
})

test('settled does not wait for other events, nor for what the deliveries publish', async () => {
  const bus = new MessageBus()
  const stuck = deferred()
  bus.on(Moved, () => stuck.promise)
  bus.on(Greeted, (_, scope) => void scope.publish(Moved, { key: 'a', n: 2 }))
  bus.publish(Moved, { key: 'b', n: 1 })

  expect(await bus.publish(Greeted, { name: 'Ada' }).settled).toMatchObject({ delivered: 1 })
  stuck.resolve()
})
