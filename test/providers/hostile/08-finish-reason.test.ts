import { expect, test } from 'vitest'
import { delta } from '../fixtures/chat-server.ts'
import { failure, piece, read, stream } from './made-stream.ts'
import { hostileTurn, sends } from './hostile-turn.ts'

const send = { tool_calls: [piece({ index: 0, id: 'a', name: 'send', arguments: '{"to":"x"}' })] }

test('an answer without a finish reason is whole with [DONE], and its calls do not run', async () => {
  const { text, finishReason } = await read(stream(delta({ content: 'hi' })))
  expect({ text, finishReason }).toEqual({ text: 'hi', finishReason: null })
  for (const reason of [null, '']) {
    const { ran, toolResults, result } = await hostileTurn(sends(stream(delta(send), delta({}, reason))))
    expect(ran).toEqual([])
    expect(toolResults).toEqual([expect.stringContaining('did not run')])
    expect(result?.reply).toBe('done')
  }
})

test('a finish reason that nobody knows is told as sent, and calls of that answer do not run', async () => {
  expect((await read(stream(delta({ content: 'hi' }, 'eos')))).finishReason).toBe('eos')
  const { ran, toolResults } = await hostileTurn(sends(stream(delta(send), delta({}, 'MAX_TOKENS'))))
  expect(ran).toEqual([])
  expect(toolResults).toEqual([expect.stringContaining('MAX_TOKENS')])
})

test('an answer that ends with stop and has whole calls runs them, as Gemini sends them', async () => {
  const { ran, result } = await hostileTurn(sends(stream(delta(send), delta({}, 'stop'))))
  expect(ran).toEqual(['send {"to":"x"}'])
  expect(result?.reply).toBe('done')
})

test('content_filter with half a call, or a whole one, runs nothing', async () => {
  const half = { tool_calls: [piece({ index: 0, id: 'a', name: 'send', arguments: '{"to":"' })] }
  for (const calls of [half, send]) {
    const { ran, toolResults } = await hostileTurn(sends(stream(delta(calls), delta({}, 'content_filter'))))
    expect(ran).toEqual([])
    expect(toolResults).toEqual([expect.stringContaining('content_filter')])
  }
})

test('an empty answer with length is an answer that says nothing', async () => {
  const { text, calls, finishReason } = await read(stream(delta({ content: '' }), delta({}, 'length')))
  expect({ text, calls, finishReason }).toEqual({ text: '', calls: [], finishReason: 'length' })
  const { ran, result } = await hostileTurn(sends(stream(delta({}, 'length'))))
  expect(ran).toEqual([])
  expect(result?.reply).toMatch(/./)
})

test('an answer that goes on after its finish reason and has no [DONE] was cut', async () => {
  const begun = `data: ${JSON.stringify(delta({ content: 'a' }, 'stop'))}\n\n`
  expect((await failure(`${begun}data: ${JSON.stringify(delta({ content: 'b' }))}\n\n`)).code).toBe(
    'ANSWER_CUT',
  )
  expect((await read(`${begun}data: ${JSON.stringify(delta({ content: '' }))}\n\n`)).text).toBe('a')
})
