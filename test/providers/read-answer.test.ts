import type { ModelAnswer } from 'busline'
import { expect, test } from 'vitest'
import { readAnswer } from '../../src/providers/read-answer.ts'
import { delta, says } from './fixtures/chat-server.ts'
import { answerIn } from './fixtures/random-cuts.ts'

const heard: string[] = []
const listener = {
  text: (text: string) => void heard.push(text),
  reasoning: (text: string) => void heard.push(`(${text})`),
  toolCall: (_call: string, name: string) => void heard.push(`[${name}]`),
}

function read(text: string, contentType?: string): Promise<ModelAnswer> {
  heard.length = 0
  return readAnswer(answerIn([Buffer.from(text)], contentType), listener, 'https://host.test/v1')
}

function streamOf(...chunks: unknown[]): string {
  return chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')
}

const call = { tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{"x":1}' } }] }

test('the content-type decides what is read, however it is written', async () => {
  const stream = `${streamOf(delta({ content: 'hi' }))}data: [DONE]\n\n`
  const whole = JSON.stringify(says('hi'))
  for (const type of ['text/event-stream', 'Text/Event-Stream;charset=utf-8']) {
    expect((await read(stream, type)).message.content).toBe('hi')
  }
  for (const type of ['application/json', 'application/octet-stream', 'text/plain']) {
    expect((await read(whole, type)).message.content).toBe('hi')
  }
})

test('a body is heard as one text, and its calls are not heard as beginning', async () => {
  const message = { role: 'assistant', content: 'hi', reasoning: 'hm', ...call }
  await read(JSON.stringify({ choices: [{ message, finish_reason: 'tool_calls' }] }), 'application/json')
  expect(heard).toEqual(['(hm)', 'hi'])
})

test('a stream ends well with [DONE] or with a finish reason', async () => {
  expect(await read(`${streamOf(delta(call))}data: [DONE]\n\n`)).toMatchObject({ finishReason: null })
  expect(await read(streamOf(delta(call, 'tool_calls')))).toMatchObject({ finishReason: 'tool_calls' })
  await expect(read('data: [DONE]')).rejects.toThrow('sent no answer, but nothing.')
})

test('what comes after [DONE] is ignored', async () => {
  const text = `${streamOf(delta({ content: 'a' }, 'stop'))}data: [DONE]\n\n${streamOf(delta({ content: 'b' }))}data: {`
  expect((await read(text)).message.content).toBe('a')
})

test('one more empty chunk after the finish, and usage after it, belong to the answer', async () => {
  const usage = { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }
  expect(await read(streamOf(delta({ content: 'a' }, 'stop'), delta({}), usage))).toMatchObject({
    finishReason: 'stop',
    usage: { totalTokens: 2 },
  })
})

test('a stream that ends in text, in arguments, or before anything was cut off', async () => {
  const whole = streamOf(delta({ content: 'hello' }), delta(call))
  for (const text of [streamOf(delta({ content: 'hello' })), whole, '', ': comment\n\n']) {
    await expect(read(text)).rejects.toMatchObject({ code: 'ANSWER_CUT' })
  }
})

test('an error inside of a stream is that error, in whatever form it comes', async () => {
  const begun = streamOf(delta({ content: 'he' }))
  for (const text of [
    streamOf({ error: { message: 'no', type: 'x' } }),
    'event: error\ndata: {"message":"no","type":"x"}\n\n',
    'error: {"error":{"message":"no","type":"x"}}\n\n',
    '{"error":{"message":"no","type":"x"}}\n',
    streamOf({
      choices: [{ index: 0, delta: {}, finish_reason: 'error', error: { message: 'no', type: 'x' } }],
    }),
  ]) {
    await expect(read(begun + text)).rejects.toMatchObject({
      code: 'PROVIDER_FAILED',
      data: { message: 'no', type: 'x' },
    })
    expect(heard).toEqual(['he'])
  }
  await expect(read(`${begun}event: error\ndata: out of memory\n\n`)).rejects.toThrow('out of memory')
})

test('an error in a body of 200 is that error', async () => {
  const body = JSON.stringify({ error: { message: 'no', code: 429 } })
  await expect(read(body, 'application/json')).rejects.toMatchObject({ code: 'RATE_LIMITED' })
})

test('what is no JSON, or no answer, is shown in a preview', async () => {
  const page = `<!doctype html><h1>Login</h1>${'x'.repeat(1000)}`
  await expect(read(page, 'text/html')).rejects.toMatchObject({
    code: 'PROVIDER_FAILED',
    message: expect.stringContaining('sent no JSON, but an HTML page: «<!doctype html><h1>Login</h1>'),
  })
  await expect(read('', 'application/json')).rejects.toThrow('sent no JSON, but nothing.')
  await expect(read('{"choices":[]}', 'application/json')).rejects.toThrow(
    'sent no answer, but «{"choices":[]}».',
  )
  await expect(read('null', 'application/json')).rejects.toMatchObject({ code: 'PROVIDER_FAILED' })
  await expect(read('data: {"choices"\n\n')).rejects.toMatchObject({
    code: 'PROVIDER_FAILED',
    message: expect.stringContaining('no JSON in its stream, but «{"choices"».'),
  })
})

test('an empty data line between chunks is nothing', async () => {
  expect((await read(`data:\n\n${streamOf(delta({ content: 'a' }, 'stop'))}`)).message.content).toBe('a')
})

test("the request's id stands beside what the server told of its answer", async () => {
  const raw = answerIn([Buffer.from(streamOf({ id: 'c1', ...Object(delta({ content: 'a' }, 'stop')) }))])
  const headers = new Headers({ 'content-type': 'text/event-stream', 'x-request-id': 'r1' })
  const { response } = await readAnswer({ ...raw, headers }, listener, 'here')
  expect(response).toEqual({ id: 'c1', requestId: 'r1' })
})

test('the connection is kept after [DONE], and given up when something is left that nobody reads', async () => {
  const ends: string[] = []
  for (const text of [`${streamOf(delta({}, 'stop'))}data: [DONE]\n\n`, 'data: {', '{"choices":[]}']) {
    const raw = answerIn([Buffer.from(text)])
    const noted = {
      ...raw,
      drain: () => void ends.push('drain'),
      cancel: () => void ends.push('cancel'),
    }
    await readAnswer(noted, listener, 'here').catch(() => undefined)
  }
  expect(ends).toEqual(['drain', 'cancel', 'cancel'])
})
