import { createApp, defineTool } from 'busline'
import * as z from 'zod'

const weather = defineTool({
  name: 'get_weather',
  description: 'Get the current weather of a place.',
  parameters: z.object({ location: z.string() }),
  run: ({ location }) => ({ location, temperature: 18, unit: 'celsius', conditions: 'sunny' }),
})

const app = createApp({ tools: [weather], offline: true, journal: process.argv[2] ?? 'logs/embed.jsonl' })
const chat = app.chat()

const { reply, toolCalls } = await chat.send("What's the weather in Paris?")
console.log(reply, toolCalls)

for await (const text of chat.stream('And in Rome?')) process.stdout.write(text)
await app.stop()
