import { publisher } from './busline.ts'
import { fitting, median, quick, roundRate } from './measure.ts'
import { loadPeer } from './peer.ts'
import { publishing, type MakePublisher } from './publish-rate.ts'
import type { Case, Table } from './table.ts'

const PAIRS = quick ? 1 : 9

/** What handlers of other types cost: 1 where publishing does not look at them. */
export const tables: readonly Table[] = [
  {
    head: 'publish to 1 subscriber beside handlers of other types',
    columns: ['ratio 1 000 / 0', 'events/s with 0', 'events/s with 1 000'],
    cases: {
      busline: ratio((setup) => publisher(setup, 'unrecorded')),
      '@nestjs/cqrs EventBus': ratio(async (setup) => (await loadPeer('nestjs-cqrs')).publisher(setup)),
      'moleculer emit': ratio(async (setup) => (await loadPeer('moleculer')).publisher(setup)),
      'emmett publish': ratio(async (setup) => (await loadPeer('emmett')).publisher(setup)),
    },
  },
]

/** Both in one process and in turns: a ratio of two processes would say more about the machine. */
function ratio(make: MakePublisher): Case {
  return async () => {
    const alone = await publishing(make, { subscribers: 1, unrelated: 0 })
    const beside = await publishing(make, { subscribers: 1, unrelated: 1000 })
    const [countAlone, countBeside] = [await fitting(alone.round), await fitting(beside.round)]
    const pairs: { alone: number; beside: number }[] = []
    for (let pair = 0; pair < PAIRS; pair++)
      pairs.push({
        alone: await roundRate(countAlone, alone.round),
        beside: await roundRate(countBeside, beside.round),
      })
    await alone.stop()
    await beside.stop()
    return [
      median(pairs.map(({ alone, beside }) => beside / alone)),
      median(pairs.map(({ alone }) => alone)),
      median(pairs.map(({ beside }) => beside)),
    ]
  }
}
