import { defineCommand, defineEvent } from 'busline'
import * as z from 'zod'
import { benchBus } from './bench-bus.ts'
import { sale, type Executor, type Publisher, type PublisherSetup, type SaleHandler } from './peer.ts'

const data = z.object({ item: z.string(), price: z.number() })
const Sold = defineEvent('shop.sold', { data })
const Sell = defineCommand('shop.sell', { input: data, output: z.object({ total: z.number() }) })

/** The bus as a {@link Publisher}; a handler of another type is half a subscriber, half a command's. */
export function publisher(setup: PublisherSetup, kind: 'recorded' | 'unrecorded'): Publisher {
  const { bus, stop } = benchBus(kind)
  for (let index = 0; index < setup.subscribers; index++) bus.on(Sold, () => setup.heard())
  for (let index = 0; index < setup.unrelated / 2; index++) {
    bus.on(defineEvent(`shop.happened${index}`, { data }), () => {})
    bus.handle(defineCommand(`shop.do${index}`, { input: data, output: z.null() }), () => null)
  }
  return { publish: () => bus.publish(Sold, sale), stop }
}

/** The bus as an {@link Executor}. */
export function executor(handler: SaleHandler, kind: 'recorded' | 'unrecorded'): Executor {
  const { bus, stop } = benchBus(kind)
  bus.handle(Sell, handler)
  return { execute: () => bus.execute(Sell, sale), stop }
}
