import { contextManager, toolChatEngine, toolManager, type Participant } from 'busline'
import { replay } from 'busline/journal'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { playTurns, randomTurns, retry, tools } from '../engine/fixtures/random-turns.ts'
import { first, recordsOf, seeds, timeless } from './fixtures.ts'

type Turns = typeof randomTurns extends fc.Arbitrary<infer T> ? T : never

const answers = (...toolCalls: Turns[0][number]['toolCalls']): Turns[0] =>
  [toolCalls, []].map((calls) => ({
    text: '',
    toolCalls: calls,
    finishReason: undefined,
    failure: undefined,
    delay: 0,
  }))
const wait = { name: 'wait', arguments: { ms: 0 } }
const once = { maxSteps: 1, maxDurationMs: undefined, fallbacks: [] }

/** Two calls that end in the same moment, the one some promises after the other. */
const resultsInTurn: Turns = [
  answers({ name: 'unknown', arguments: {} }, { name: 'wait', arguments: '{"ms":1' }),
  [{ at: 0, whileBusy: 'queue', cancelAfter: undefined }],
  once,
]
/** One cancel that breaks off two calls. */
const cancelledTogether: Turns = [
  answers(wait, wait),
  [
    { at: 0, whileBusy: 'queue', cancelAfter: 0 },
    { at: 0, whileBusy: 'queue', cancelAfter: undefined },
  ],
  once,
]

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
    { numRuns: 15, examples: [[resultsInTurn], [cancelledTogether]] },
  )
})
