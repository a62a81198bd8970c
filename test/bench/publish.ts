import { publisher } from './busline.ts'
import { loadPeer } from './peer.ts'
import { publishRate, type MakePublisher } from './publish-rate.ts'
import { single, type Table } from './table.ts'

const peer =
  (name: string): MakePublisher =>
  async (setup) =>
    (await loadPeer(name)).publisher(setup)

const PUBLISHERS: Readonly<Record<string, MakePublisher>> = {
  // The raw limit: no envelope, and the first subscriber that throws ends it.
  eventemitter3: peer('eventemitter3'),
  mitt: peer('mitt'),
  'RxJS Subject': peer('rxjs'),
  emittery: peer('emittery'),
  '@nestjs/cqrs EventBus': peer('nestjs-cqrs'),
  'moleculer emit': peer('moleculer'),
  'emmett publish': peer('emmett'),
  busline: (setup) => publisher(setup, 'unrecorded'),
  'busline, recorded': (setup) => publisher(setup, 'recorded'),
}

/** Events per second to 1 and to 10 synchronous subscribers. */
export const tables: readonly Table[] = [1, 10].map((subscribers) => ({
  head: `publish to ${subscribers} sync subscriber${subscribers > 1 ? 's' : ''}`,
  columns: ['events/s'],
  cases: single(
    Object.fromEntries(
      Object.entries(PUBLISHERS).map(([name, make]) => [name, () => publishRate(make, subscribers)]),
    ),
  ),
}))
