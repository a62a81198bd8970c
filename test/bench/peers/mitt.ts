import mitt from 'mitt'
import { sale, type Publisher, type PublisherSetup, type Sale } from '../peer.ts'

export function publisher({ subscribers, heard }: PublisherSetup): Publisher {
  const emitter = mitt<{ sold: Sale }>()
  for (let index = 0; index < subscribers; index++) emitter.on('sold', () => heard())
  return { publish: () => emitter.emit('sold', sale) }
}
