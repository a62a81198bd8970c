import { contextManager, toolChatEngine, toolManager, type Participant } from 'busline'
import { replay } from 'busline/journal'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { playTurns, randomTurns, retry, tools } from '/work/main/test/engine/fixtures/random-turns.ts'
import { first, recordsOf, seeds, timeless } from '/work/main/test/replay/fixtures.ts'

test('whatever models, tools and users did: run again, it is the same', async () => {
  await fc.assert(
    fc.asyncProperty(randomTurns, async (turns) => {
      const world = await playTurns(turns)
      await world.bus.stop()
      const recorded = recordsOf(world.journal.lines.join('\n'))
      const app: Participant = (bus) => {
        bus.attach(toolChatEngine({ ...turns[2], retry }))
        bus.attach(contextManager())
        bus.attach(toolManager(tools))
      }
      const report = await replay(recorded, app, { ...seeds(), patience: 50 })
      expect(first(report)).toBeUndefined()
      expect(timeless(report.records).toSorted()).toEqual(timeless(recorded).toSorted())
    }),
    { numRuns: 300 },
  )
}, 600000)
