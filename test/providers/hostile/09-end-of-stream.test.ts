import { expect, test } from 'vitest'
import { delta } from '../fixtures/chat-server.ts'
import { hostileTurn, sends } from './hostile-turn.ts'
import { events, failure, piece, read, stream } from './made-stream.ts'

const half = { tool_calls: [piece({ index: 0, id: 'a', name: 'send', arguments: '{"to":"x' })] }
const whole = { tool_calls: [piece({ index: 0, id: 'a', name: 'send', arguments: '{"to":"x"}' })] }

test('a stream without [DONE] is whole once a finish reason has come', async () => {
  const { text, finishReason } = await read(events(delta({ content: 'hi' }), delta({}, 'stop')))
  expect({ text, finishReason }).toEqual({ text: 'hi', finishReason: 'stop' })
})

test('a stream that ends in the middle of text is an error that holds the text', async () => {
  expect((await failure(events(delta({ content: 'he' })))).code).toBe('ANSWER_CUT')
  const { error, ran, history } = await hostileTurn(sends(events(delta({ content: 'he' }))))
  expect(error).toMatchObject({ code: 'ANSWER_CUT', data: { text: 'he' } })
  expect(ran).toEqual([])
  expect(history.map(({ content }) => content)).toEqual(['go', 'he', 'and now?'])
})

test('a stream that ends in the middle of arguments, or after them, runs nothing', async () => {
  for (const calls of [half, whole]) {
    expect((await failure(events(delta(calls)))).code).toBe('ANSWER_CUT')
    const { error, ran } = await hostileTurn(sends(events(delta(calls))))
    expect(error?.code).toBe('ANSWER_CUT')
    expect(ran).toEqual([])
  }
})

test('a stream that ends before anything is an error', async () => {
  for (const text of [
    '',
    '\n\n',
    ': waiting\n\n',
    events({ choices: [] }),
    events(delta({ role: 'assistant' })),
  ]) {
    expect((await failure(text)).code).toBe('ANSWER_CUT')
  }
  expect((await failure('data: [DONE]\n\n')).code).toBe('PROVIDER_FAILED')
  expect((await hostileTurn(sends(''))).error?.code).toBe('ANSWER_CUT')
})

test('a stream that ends inside of an event is an error', async () => {
  const text = events(delta({ content: 'hi' }), delta({}, 'tool_calls'))
  for (const end of [text.length - 4, text.length - 30, 12]) {
    expect(['ANSWER_CUT', 'PROVIDER_FAILED']).toContain((await failure(text.slice(0, end))).code)
  }
})

test('data after [DONE] is not read, whatever it is', async () => {
  const text = stream(delta({ content: 'a' }), delta({}, 'stop'))
  for (const more of [events(delta({ content: 'b' })), events(delta(whole)), 'data: {', '<html>', text]) {
    const { text: said, calls } = await read(text + more)
    expect({ said, calls }).toEqual({ said: 'a', calls: [] })
  }
})

test('one more empty chunk after the finish changes nothing', async () => {
  for (const empty of [delta({}), delta({ content: '' }), delta({ content: null }), { choices: [] }, {}]) {
    const { text, finishReason } = await read(events(delta({ content: 'a' }, 'stop'), empty))
    expect({ text, finishReason }).toEqual({ text: 'a', finishReason: 'stop' })
  }
})
