// Plain JavaScript against the installed package: no TypeScript, no loader.
import { createApp, defineTool, memoryJournal } from 'busline'
import { replay, runStats, scanJournal } from 'busline/journal'
import { exportOtlp } from 'busline/otel'
import { expectRun, testBus } from 'busline/testing'
import * as z from 'zod'

const add = defineTool({
  name: 'calculate',
  description: 'Evaluate an arithmetic expression.',
  parameters: z.object({ expression: z.string() }),
  run: ({ expression }) => ({ expression, result: 168 }),
})
const options = { tools: [add] }
const journal = memoryJournal()
const app = createApp({ ...options, offline: true, journal })
try {
  const { reply } = await app.chat().send('And 24*7?')
  if (!reply.includes('168')) throw new Error(`unexpected reply: ${reply}`)
  console.log(reply, journal.lines.length, 'records')
} finally {
  await app.stop()
}

// The same run again, from its lines alone.
const { identical, divergences } = await replay(journal.records, options)
if (!identical) throw new Error(`the replay differs: ${JSON.stringify(divergences[0])}`)
await expectRun(journal.records, options, { update: false })
const spans = []
for await (const request of exportOtlp(journal.records)) spans.push(request)
if (spans.length === 0) throw new Error('no spans')
if (typeof runStats !== 'function' || typeof scanJournal !== 'function')
  throw new Error('busline/journal lacks a door')

const { bus } = testBus()
await bus.stop()
