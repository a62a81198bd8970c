import { causes, story, testBus, tree } from 'busline/testing'
import { expect, test } from 'vitest'
import { OrderPlaced, PlaceOrder, shop } from './fixtures/shop.ts'

const ORDER = {
  type: 'shop.placeOrder',
  children: [
    { type: 'shop.charge', children: [] },
    { type: 'shop.orderPlaced', children: [{ type: 'shop.orderShipped', children: [] }] },
  ],
}

test('a tree shows what a tracked call caused', async () => {
  const { bus, clock } = testBus()
  bus.attach(shop())
  const tracking = bus.track((sender) => sender.execute(PlaceOrder, { order: 'a', amount: 1 }))
  await clock.runAll()

  expect(tree((await tracking).messages)).toEqual(ORDER)
})

test('the records of a journal show the same, each message once', async () => {
  const { bus, clock, journal } = testBus()
  bus.attach(shop())
  void bus.execute(PlaceOrder, { order: 'a', amount: 1 })
  bus.publish(OrderPlaced, { order: 'b' })
  await clock.runAll()

  expect(causes(journal.records)).toEqual([
    ORDER,
    { type: 'shop.orderPlaced', children: [{ type: 'shop.orderShipped', children: [] }] },
  ])
})

test('a message whose cause is not among them is a root', async () => {
  const { bus, clock } = testBus()
  bus.attach(shop())
  const tracking = bus.track((sender) => sender.execute(PlaceOrder, { order: 'a', amount: 1 }))
  await clock.runAll()

  expect(causes((await tracking).messages.slice(1)).map(({ type }) => type)).toEqual([
    'shop.charge',
    'shop.orderPlaced',
  ])
})

test('a tree of several roots is refused, with their names, and so is one of none', () => {
  const root = { kind: 'event', type: 'a.b', cause: undefined } as const
  expect(() =>
    tree([
      { ...root, id: '1' },
      { ...root, id: '2' },
    ]),
  ).toThrow(/here are 2: a\.b, a\.b\./)
  expect(() => tree([])).toThrow(/here are 0\./)
})

test('a story tells a journal in order, without its header, and tracked messages too', async () => {
  const { bus, clock, journal } = testBus()
  bus.attach(shop())
  const tracking = bus.track((sender) => sender.execute(PlaceOrder, { order: 'a', amount: 1 }))
  await clock.runAll()

  expect(story(journal)).toEqual([
    'command shop.placeOrder',
    'command shop.charge',
    'result shop.charge',
    'event shop.orderPlaced',
    'result shop.placeOrder',
    'event shop.orderShipped',
  ])
  expect(story(journal.records)).toEqual(story(journal))
  expect(story((await tracking).messages)).toEqual([
    'command shop.placeOrder',
    'command shop.charge',
    'event shop.orderPlaced',
    'event shop.orderShipped',
  ])
})
