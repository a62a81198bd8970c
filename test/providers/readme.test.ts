import { readFileSync } from 'node:fs'
import { CallModel, MessageBus, ModelTextReceived, textOf, type Participant } from 'busline'
import { expect, test } from 'vitest'
import { question } from './fixtures/ask.ts'

// #region echo
const echo: Participant = (bus) => {
  bus.handle(CallModel, (request, scope) => {
    const text = textOf(request.messages.at(-1) ?? { role: 'user', content: '' })
    scope.publish(ModelTextReceived, { text })
    return {
      message: { role: 'assistant', content: text },
      finishReason: 'stop',
      usage: null,
      model: request.model,
    }
  })
}
// #endregion

test('the provider in the README is this one, and works', async () => {
  const readme = readFileSync(new URL('../../src/providers/README.md', import.meta.url), 'utf8')
  const here = readFileSync(new URL(import.meta.url), 'utf8')
  const region = /\/\/ #region echo\n([\s\S]*?)\/\/ #endregion/.exec(here)?.[1]
  expect(/```ts\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(region)

  const bus = new MessageBus()
  bus.attach(echo)
  expect((await bus.execute(CallModel, question)).message.content).toBe('hello')
})
