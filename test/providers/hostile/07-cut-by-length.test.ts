import { expect, test } from 'vitest'
import { delta } from '../fixtures/chat-server.ts'
import { hostileTurn, sends } from './hostile-turn.ts'
import { piece, read, stream } from './made-stream.ts'

function calling(text: string, finish: string | null): string {
  return stream(
    delta({ content: 'I will.', tool_calls: [piece({ index: 0, id: 'a', name: 'send', arguments: text })] }),
    delta({}, finish),
  )
}

test('a call that length cut does not run, and the model is told why', async () => {
  const { ran, toolResults, result, history } = await hostileTurn(sends(calling('{"to":"x', 'length')))
  expect(ran).toEqual([])
  expect(toolResults).toEqual([expect.stringContaining('cut by the token limit')])
  expect(result?.reply).toBe('done')
  // What can't be parsed goes out as an empty object, beside the text that was said.
  expect(history[1]).toMatchObject({
    content: 'I will.',
    tool_calls: [{ id: 'a', function: { name: 'send', arguments: '{}' } }],
  })
})

test('a call that length cut does not run, though its arguments happen to parse', async () => {
  const { ran, toolResults } = await hostileTurn(sends(calling('{"to":"x"}', 'length')))
  expect(ran).toEqual([])
  expect(toolResults).toEqual([expect.stringContaining('cut by the token limit')])
})

test('of several calls that length cut none runs, though the first ones are whole', async () => {
  const text = stream(
    delta({ tool_calls: [piece({ index: 0, id: 'a', name: 'send', arguments: '{"to":"x"}' })] }),
    delta({ tool_calls: [piece({ index: 1, id: 'b', name: 'send', arguments: '{"to"' })] }, 'length'),
  )
  const { ran, toolResults } = await hostileTurn(sends(text))
  expect(ran).toEqual([])
  expect(toolResults).toHaveLength(2)
})

test('a call that was cut does not run, though the server says tool_calls', async () => {
  for (const cut of ['{"to":"x', '{"to":', '{', '{"to":"x"']) {
    const { calls, finishReason } = await read(calling(cut, 'tool_calls'))
    expect({ calls, finishReason }).toEqual({ calls: [`a send ${cut}`], finishReason: 'tool_calls' })
    const { ran, toolResults } = await hostileTurn(sends(calling(cut, 'tool_calls')))
    expect(ran).toEqual([])
    expect(toolResults).toEqual([expect.stringContaining('INVALID_ARGUMENTS')])
  }
})
