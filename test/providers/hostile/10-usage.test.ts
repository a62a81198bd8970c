import { expect, test } from 'vitest'
import { delta } from '../fixtures/chat-server.ts'
import { events, failure, read, stream } from './made-stream.ts'

const usage = { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 }
const tokens = { inputTokens: 4, outputTokens: 2, totalTokens: 6 }
const said = delta({ content: 'hi' }, 'stop')

test('usage comes beside choices that are empty, null or absent', async () => {
  for (const choices of [{ choices: [] }, { choices: null }, {}]) {
    const { answer, text } = await read(stream(said, { ...choices, usage }))
    expect(text).toBe('hi')
    expect(answer).toMatchObject({ usage: tokens, rawUsage: usage })
  }
})

test('usage on every chunk is cumulative: the last counts, and none is summed', async () => {
  const running = [1, 2, 3].map((count) => ({
    ...Object(delta({ content: 'x' })),
    usage: { prompt_tokens: 4, completion_tokens: count, total_tokens: 4 + count },
  }))
  const { answer } = await read(stream(...running, { ...Object(delta({}, 'stop')), usage: null }))
  expect(answer.usage).toEqual({ inputTokens: 4, outputTokens: 3, totalTokens: 7 })
  expect(answer.rawUsage).toEqual({ prompt_tokens: 4, completion_tokens: 3, total_tokens: 7 })
})

test('usage before the end, in the first chunk or beside the text, is the usage', async () => {
  const { answer } = await read(stream({ choices: [], usage }, said))
  expect(answer.usage).toEqual(tokens)
})

test('usage that is absent is null, and so is one that tells no count', async () => {
  expect((await read(stream(said))).answer).toMatchObject({ usage: null })
  expect((await read(stream(said))).answer).not.toHaveProperty('rawUsage')
  for (const odd of ['many', 7, [], {}, { cost: 1 }]) {
    expect((await read(stream(said, { choices: [], usage: odd }))).answer.usage).toBeNull()
    expect(
      (await read(stream(said, { choices: [], usage }, { choices: [], usage: odd }))).answer.usage,
    ).toEqual(tokens)
  }
})

test('usage under another name or in another place is found', async () => {
  const other = { input_tokens: 4, output_tokens: 2 }
  for (const chunk of [
    { choices: [], x_groq: { usage } },
    { choices: [{ index: 0, delta: {}, usage }] },
    { choices: [], usage: other },
  ]) {
    expect((await read(stream(said, chunk))).answer.usage).toEqual(tokens)
  }
})

test('parts that are negative or no number are ignored, and the rest counts', async () => {
  const odd = {
    prompt_tokens: 4,
    completion_tokens: -2,
    total_tokens: '6',
    prompt_tokens_details: { cached_tokens: -1, audio_tokens: 'x' },
  }
  const { answer } = await read(stream(said, { choices: [], usage: odd }))
  expect(answer).toMatchObject({ usage: { inputTokens: 4, outputTokens: 0, totalTokens: 4 }, rawUsage: odd })
  expect(answer.usage).not.toHaveProperty('cachedTokens')
})

test('an error after the usage carries it, so that the attempt can be billed', async () => {
  const told = { ...Object(delta({ content: 'hi' })), usage }
  for (const end of ['', events({ error: { message: 'no' } }), 'event: error\ndata: no\n\n', 'data: {\n\n']) {
    expect((await failure(events(told) + end)).data).toMatchObject({ usage: tokens })
  }
  expect(
    (await failure(events(delta({ content: 'a' }), { error: { message: 'no' }, usage }))).data,
  ).toMatchObject({
    message: 'no',
    usage: tokens,
  })
  expect((await failure(events(delta({ content: 'a' })))).data).not.toHaveProperty('usage')
})
