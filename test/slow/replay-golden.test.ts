import net from 'node:net'
import { replay } from 'busline/journal'
import { seededRandom } from 'busline/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GOLDEN_RUNS } from '../golden/runs.ts'
import { first, goldenRecords, seeds, timeless } from '../replay/fixtures.ts'

const TIMES = 50

describe(`a golden run, run again ${TIMES} times, each with other things in between`, () => {
  const connect = Object.getOwnPropertyDescriptor(net.Socket.prototype, 'connect') ?? {}
  const { OPENAI_API_KEY: key } = process.env
  beforeAll(() => {
    delete process.env['OPENAI_API_KEY']
    net.Socket.prototype.connect = () => {
      throw new Error('The network is cut off.')
    }
  })
  afterAll(() => {
    Object.defineProperty(net.Socket.prototype, 'connect', connect)
    if (key !== undefined) process.env['OPENAI_API_KEY'] = key
  })

  it.each(GOLDEN_RUNS)(
    '$name: writes the same journal, byte for byte but for time',
    async ({ name, app }) => {
      const recorded = goldenRecords(name)
      for (let seed = 1; seed <= TIMES; seed++) {
        const report = await replay(recorded, app, { ...seeds(), patience: 500, pause: pauses(seed) })
        expect({ seed, first: first(report) }).toEqual({ seed, first: undefined })
        expect(timeless(report.records)).toEqual(timeless(recorded))
      }
    },
  )
})

/** Lets other things run for some random while: microtasks, immediates, timers. */
function pauses(seed: number): () => Promise<void> {
  const random = seededRandom(seed)
  return async () => {
    for (let left = Math.floor(random() * 4); left > 0; left--) {
      const kind = random()
      if (kind < 0.4) await Promise.resolve()
      else if (kind < 0.8) await new Promise((resolve) => setImmediate(resolve))
      else await new Promise((resolve) => setTimeout(resolve, random() * 2))
    }
  }
}
