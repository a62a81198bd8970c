// Plain JavaScript against the installed package: no TypeScript, no loader.
import { createApp, defineTool, memoryJournal } from 'busline'
import { testBus } from 'busline/testing'
import * as z from 'zod'

const add = defineTool({
  name: 'calculate',
  description: 'Evaluate an arithmetic expression.',
  parameters: z.object({ expression: z.string() }),
  run: ({ expression }) => ({ expression, result: 168 }),
})
const journal = memoryJournal()
const app = createApp({ tools: [add], offline: true, journal })
try {
  const { reply } = await app.chat().send('And 24*7?')
  if (!reply.includes('168')) throw new Error(`unexpected reply: ${reply}`)
  console.log(reply, journal.lines.length, 'records')
} finally {
  await app.stop()
}

const { bus } = testBus()
await bus.stop()
