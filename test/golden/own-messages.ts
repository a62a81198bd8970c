import { defineCommand, defineEvent, type Participant } from 'busline'
import * as z from 'zod'
import { goldenRun } from './golden-run.ts'

export const PlaceOrder = defineCommand('shop.placeOrder', {
  input: z.object({ item: z.string(), card: z.string().meta({ secret: true }) }),
  output: z.object({ order: z.string() }),
})
export const OrderPlaced = defineEvent('shop.orderPlaced', {
  data: z.object({ order: z.string(), item: z.string() }),
})
export const ReserveStock = defineCommand('shop.reserveStock', {
  input: z.object({ item: z.string() }),
  output: z.object({ left: z.number() }),
  effect: true,
})
export const SendReminder = defineCommand('shop.sendReminder', {
  input: z.object({ order: z.string() }),
  output: z.object({ sent: z.boolean() }),
})

/** A shop: an order makes an event, and who hears of it executes commands; it has no engine and no model. */
const shop: Participant = (bus) => {
  const stock = new Map([['lamp', 1]])
  bus.handle(PlaceOrder, async function placeOrder({ item }, scope) {
    await scope.sleep(20)
    const order = `order-${scope.newId()}`
    scope.publish(OrderPlaced, { order, item })
    return { order }
  })
  bus.handle(ReserveStock, async function reserveStock({ item }, scope) {
    await scope.sleep(30)
    const left = (stock.get(item) ?? 0) - 1
    if (left < 0) throw new Error(`There is no ${item}.`)
    stock.set(item, left)
    return { left }
  })
  bus.handle(SendReminder, function sendReminder(_input, scope) {
    return { sent: scope.random() < 0.5 }
  })
  bus.on(OrderPlaced, async function reserve({ item }, scope) {
    await scope.execute(ReserveStock, { item })
  })
  bus.on(OrderPlaced, async function count() {})
}

export const ownMessages = goldenRun({
  name: 'own-messages',
  about: 'Commands and events of an application; a subscriber executes a command, which fails the second time.',
  app: shop,
  script: async ({ bus, sleep }) => {
    await bus.execute(PlaceOrder, { item: 'lamp', card: '4000-0000-0000-0002' })
    await bus.execute(PlaceOrder, { item: 'lamp', card: '4000-0000-0000-0002' })
    await sleep(100)
  },
})

export const scheduledMessage = goldenRun({
  name: 'scheduled-message',
  about: 'A command that is sent later, twice, and one that is taken back.',
  app: shop,
  script: async ({ bus, sleep }) => {
    await bus.session('s1').schedule(SendReminder, { order: 'order-1' }, { every: 60_000, times: 2 })
    const never = await bus.schedule(SendReminder, { order: 'order-2' }, { after: 90_000 })
    await sleep(70_000)
    never.cancel()
    await sleep(70_000)
  },
})
