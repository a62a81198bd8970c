import { expect, test } from 'vitest'
import { delta } from '../fixtures/chat-server.ts'
import { callStream, piece, read, stream } from './made-stream.ts'

test('a call whose type is missing, null or empty is a function call', async () => {
  for (const type of [{}, { type: null }, { type: '' }]) {
    const { calls, answer } = await read(
      callStream([piece({ index: 0, id: 'a', ...type, name: 'f', arguments: '{}' })]),
    )
    expect(calls).toEqual(['a f {}'])
    expect(answer.message.tool_calls?.[0]?.type).toBe('function')
  }
})

test('a role that is missing, null, empty, late or another makes no difference', async () => {
  for (const role of [{}, { role: null }, { role: '' }, { role: 'model' }]) {
    const { answer } = await read(
      stream(delta({ ...role, content: 'a' }), delta({ role: 'assistant', content: 'b' }, 'stop')),
    )
    expect(answer.message).toEqual({ role: 'assistant', content: 'ab' })
  }
})

test('a first delta that is null, or a choice without one, is nothing', async () => {
  const { text, finishReason } = await read(
    stream({ choices: [{ index: 0 }] }, { choices: [{ index: 0, delta: null }] }, delta({ content: 'a' }), {
      choices: [{ index: 0, finish_reason: 'stop' }],
    }),
  )
  expect({ text, finishReason }).toEqual({ text: 'a', finishReason: 'stop' })
})
