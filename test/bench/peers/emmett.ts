import { getInMemoryMessageBus, type Command, type Event } from '@event-driven-io/emmett'
import {
  sale,
  type Executor,
  type Publisher,
  type PublisherSetup,
  type Sale,
  type SaleHandler,
} from '../peer.ts'

type Sold = Event<'sold', Sale>
type Sell = Command<'sell', Sale>

export function publisher({ subscribers, unrelated, heard }: PublisherSetup): Publisher {
  const bus = getInMemoryMessageBus()
  for (let index = 0; index < subscribers; index++) bus.subscribe<Sold>(() => heard(), 'sold')
  for (let index = 0; index < unrelated; index++) bus.subscribe(() => {}, `happened${index}`)
  return { publish: () => bus.publish<Sold>({ type: 'sold', data: sale }), awaited: true }
}

/** Its commands have no result. */
export function executor(handler: SaleHandler): Executor {
  const bus = getInMemoryMessageBus()
  bus.handle<Sell>(async ({ data }: Sell) => void (await handler(data)), 'sell')
  return { execute: () => bus.send<Sell>({ type: 'sell', data: sale }), answers: false }
}
