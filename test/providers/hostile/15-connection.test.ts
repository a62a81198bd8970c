import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { beginStream, delta } from '../fixtures/chat-server.ts'
import { expectValid, hostileTurn } from './hostile-turn.ts'
import { piece } from './made-stream.ts'

const call = delta({ tool_calls: [piece({ index: 0, id: 'a', name: 'send', arguments: '{"to":"x"}' })] })

/** Says this, and resets the connection once it has gone out. */
function says(...chunks: unknown[]): (response: ServerResponse) => void {
  return (response) => {
    beginStream(response, ...chunks)
    setImmediate(() => setImmediate(() => response.socket?.resetAndDestroy()))
  }
}

test('a reset before the first byte is MODEL_UNAVAILABLE, which may be tried again', async () => {
  const { error, ran } = await hostileTurn((response) => response.socket?.resetAndDestroy())
  expect(error?.code).toBe('MODEL_UNAVAILABLE')
  expect(ran).toEqual([])
})

test('a reset after the head, before anything of the answer, is MODEL_UNAVAILABLE', async () => {
  const { error } = await hostileTurn(says())
  expect(error?.code).toBe('MODEL_UNAVAILABLE')
})

test('a reset after text keeps the text', async () => {
  const { error, history } = await hostileTurn(says(delta({ content: 'he' })))
  expect(error).toMatchObject({ code: 'ANSWER_CUT', data: { text: 'he' } })
  expect(history.map(({ content }) => content)).toEqual(['go', 'he', 'and now?'])
  expectValid(history)
})

test('a reset after a whole call runs nothing', async () => {
  const { error, ran } = await hostileTurn(says(call))
  expect(error?.code).toBe('ANSWER_CUT')
  expect(ran).toEqual([])
})

test('a reset after the finish reason loses nothing', async () => {
  const { ran, result } = await hostileTurn(says(call, delta({}, 'tool_calls')))
  expect(ran).toEqual(['send {"to":"x"}'])
  expect(result?.reply).toBe('done')
})

test('a stall between chunks loses nothing', async () => {
  const { result } = await hostileTurn((response) => {
    beginStream(response, delta({ content: 'he' }))
    setTimeout(() => {
      response.end(`data: ${JSON.stringify(delta({ content: 'llo' }, 'stop'))}\n\ndata: [DONE]\n\n`)
    }, 50)
  })
  expect(result?.reply).toBe('hello')
})

test('a proxy that ends the stream early and politely is not believed', async () => {
  for (const chunks of [[delta({ content: 'he' })], [call], []]) {
    const { error, ran } = await hostileTurn((response) => beginStream(response, ...chunks).end())
    expect(error?.code).toBe('ANSWER_CUT')
    expect(ran).toEqual([])
  }
})

test('a body that is shorter than it was said to be is no answer', async () => {
  const { error } = await hostileTurn((response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' })
    response.write('{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}')
    setImmediate(() => setImmediate(() => response.socket?.destroy()))
  })
  expect(error?.code).toBe('ANSWER_CUT')
})

test('a connection that stays open after [DONE] does not hold the answer up', async () => {
  const { result } = await hostileTurn((response) => {
    beginStream(response, delta({ content: 'hi' }, 'stop')).write('data: [DONE]\n\n')
  })
  expect(result?.reply).toBe('hi')
})
