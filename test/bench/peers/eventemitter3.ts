import { EventEmitter } from 'eventemitter3'
import { sale, type Publisher, type PublisherSetup } from '../peer.ts'

export function publisher({ subscribers, heard }: PublisherSetup): Publisher {
  const emitter = new EventEmitter()
  for (let index = 0; index < subscribers; index++) emitter.on('sold', () => heard())
  return { publish: () => emitter.emit('sold', sale) }
}
