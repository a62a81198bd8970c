import { story, testBus, type TestBus, type TestBusOptions } from 'busline/testing'
import { expect, test } from 'vitest'
import { OrderPlaced, OrderShipped, PlaceOrder, shop } from './fixtures/shop.ts'

async function scripted(options?: TestBusOptions): Promise<TestBus> {
  const world = testBus(options)
  const { bus, clock } = world
  bus.attach(shop({ slow: (scope) => Math.floor(scope.random() * 400) }))
  bus.on(OrderShipped, () => {
    throw new Error('no van')
  })
  const orders = ['a', 'b'].map((order) => bus.session(order).execute(PlaceOrder, { order, amount: 1 }))
  bus.publish(OrderPlaced, { order: bus.newId() })
  await clock.runAll()
  await Promise.all(orders)
  await bus.stop()
  return world
}

test('a scripted run yields the same journal, byte for byte', async () => {
  const { journal } = await scripted({ seed: 3 })
  expect((await scripted({ seed: 3 })).journal.lines).toEqual(journal.lines)
  expect(story(journal)).toContain('event bus.deliveryFailed')
  expect(journal.lines.length).toBeGreaterThan(15)
})

test('another seed yields another', async () => {
  const { journal } = await scripted({ seed: 3 })
  expect((await scripted({ seed: 4 })).journal.lines).not.toEqual(journal.lines)
})

test('its time begins where it is told to', () => {
  const { bus, clock } = testBus({ start: 42 })
  expect([bus.now(), clock.now()]).toEqual([42, 42])
})

test('it takes the other options of a bus', async () => {
  const { bus } = testBus({ maxDepth: 1 })
  bus.attach(shop())
  await expect(bus.execute(PlaceOrder, { order: 'a', amount: 1 })).rejects.toMatchObject({ code: 'TOO_DEEP' })
  await bus.stop()
})
