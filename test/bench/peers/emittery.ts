import Emittery from 'emittery'
import { sale, type Publisher, type PublisherSetup, type Sale } from '../peer.ts'

/** Its listeners are called in a later microtask; awaited, as its readme does. */
export function publisher({ subscribers, heard }: PublisherSetup): Publisher {
  const emitter = new Emittery<{ sold: Sale }>()
  for (let index = 0; index < subscribers; index++) emitter.on('sold', () => heard())
  return { publish: () => emitter.emit('sold', sale), awaited: true }
}
