import { defineCommand, defineEvent, jsonlJournal, MessageBus } from 'busline'
import * as z from 'zod'

const Greet = defineCommand('people.greet', {
  input: z.object({ name: z.string().min(1) }),
  output: z.string(),
})
const Greeted = defineEvent('people.greeted', { data: z.object({ name: z.string() }) })

const bus = new MessageBus({ journal: jsonlJournal(process.argv[2] ?? 'logs/custom.jsonl') })

bus.use(async (message, next) => {
  const started = performance.now()
  const result = await next()
  console.log(`${message.type} took ${(performance.now() - started).toFixed(1)} ms`)
  return result
})
bus.handle(Greet, ({ name }, scope) => {
  scope.publish(Greeted, { name })
  return `Hello, ${name}!`
})
bus.on(Greeted, ({ name }) => console.log(`${name} was greeted`))

console.log(await bus.execute(Greet, { name: 'Ada' }))
await bus.stop()
