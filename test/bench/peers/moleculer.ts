import { ServiceBroker } from 'moleculer'
import {
  sale,
  type Executor,
  type Publisher,
  type PublisherSetup,
  type Sale,
  type SaleHandler,
} from '../peer.ts'

/** Without a transporter, so all services are local; otherwise as it comes. */
function newBroker(): ServiceBroker {
  return new ServiceBroker({ nodeID: 'bench', logger: false, skipProcessEventRegistration: true })
}

/** `emit` reaches one service of each name, so every subscriber is a service with a name of its own. */
export async function publisher({ subscribers, unrelated, heard }: PublisherSetup): Promise<Publisher> {
  const broker = newBroker()
  for (let index = 0; index < subscribers; index++)
    broker.createService({ name: `shop${index}`, events: { 'shop.sold': () => heard() } })
  const names = Array.from({ length: unrelated }, (_, index) => `shop.happened${index}`)
  broker.createService({
    name: 'others',
    events: Object.fromEntries(names.map((name) => [name, () => {}])),
  })
  await broker.start()
  return { publish: () => broker.emit('shop.sold', sale), awaited: true, stop: () => broker.stop() }
}

export async function executor(handler: SaleHandler): Promise<Executor> {
  const broker = newBroker()
  broker.createService({
    name: 'shop',
    actions: { sell: (context: { params: Sale }) => handler(context.params) },
  })
  await broker.start()
  return { execute: () => broker.call('shop.sell', sale), stop: () => broker.stop() }
}
