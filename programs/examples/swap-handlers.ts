import { CallTool, createApp, scriptedProvider } from 'busline'

const app = createApp({
  provider: scriptedProvider([
    { toolCalls: [{ name: 'get_weather', arguments: { location: 'Rome' } }] },
    'It is sunny in Rome.',
  ]),
})
app.bus.session('s1').handle(CallTool, ({ name }) => `pretend result of ${name}`)

const { reply, toolCalls } = await app.chat('s1').send("What's the weather in Rome?")
console.log(reply, toolCalls)
await app.stop()
