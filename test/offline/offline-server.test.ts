import { execFile } from 'node:child_process'
import { Agent, request } from 'node:http'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { OfflineServer } from '../../src/offline/offline-server.ts'
import { offlineServer } from '../../src/offline/open-offline-server.ts'
import { TOOLS } from './ask.ts'

const ToolCall = z.object({
  index: z.number().optional(),
  id: z.string().optional(),
  type: z.string().optional(),
  function: z.object({ name: z.string().optional(), arguments: z.string().optional() }),
})
const Usage = z.object({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() })
const Plain = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.number(),
  model: z.string(),
  choices: z.tuple([
    z.object({
      index: z.literal(0),
      message: z.object({
        role: z.literal('assistant'),
        content: z.string().nullable(),
        tool_calls: z.array(ToolCall).optional(),
      }),
      finish_reason: z.string(),
    }),
  ]),
  usage: Usage,
})
const Chunk = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  model: z.string(),
  choices: z.array(
    z.object({
      delta: z.object({
        role: z.string().optional(),
        content: z.string().nullish(),
        tool_calls: z.array(ToolCall).optional(),
      }),
      finish_reason: z.string().nullable(),
    }),
  ),
  usage: Usage.nullish(),
})
const Failure = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
})

let server: OfflineServer
beforeAll(async () => {
  server = await offlineServer({ now: () => 1_700_000_000_000 })
})
afterAll(() => server.close())

const conversation = (content: string, more: object = {}) => ({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content }],
  tools: TOOLS,
  ...more,
})

function post(body: unknown, at = server): Promise<Response> {
  return fetch(`${at.url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer anything' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

async function plain(body: unknown, at = server) {
  const response = await post(body, at)
  expect(response.status).toBe(200)
  return Plain.parse(await response.json())
}

async function stream(body: object, at = server) {
  const response = await post({ ...body, stream: true }, at)
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const events = (await response.text()).split('\n\n').filter((event) => event !== '')
  expect(events.every((event) => event.startsWith('data: '))).toBe(true)
  expect(events.at(-1)).toBe('data: [DONE]')
  return events.slice(0, -1).map((event) => Chunk.parse(JSON.parse(event.slice('data: '.length))))
}

describe('a plain answer', () => {
  test('is one body that echoes the model, counts usage and stops', async () => {
    const answer = await plain(conversation('hello', { model: 'any/name:7b' }))
    const [{ message, finish_reason }] = answer.choices
    expect(answer).toMatchObject({ model: 'any/name:7b', created: 1_700_000_000 })
    expect(answer.id).toMatch(/^chatcmpl-offline-\d+$/)
    expect(finish_reason).toBe('stop')
    expect(message.content).toContain('not an LLM')
    expect(answer.usage.completion_tokens).toBe(Math.ceil((message.content ?? '').length / 4))
    expect(answer.usage.prompt_tokens).toBe(Math.ceil(('hello'.length + JSON.stringify(TOOLS).length) / 4))
    expect(answer.usage.total_tokens).toBe(answer.usage.prompt_tokens + answer.usage.completion_tokens)
  })

  test('holds tool calls with ids of their own and JSON arguments', async () => {
    const answer = await plain(conversation('weather in Rome and what is 24*7?'))
    const [{ message, finish_reason }] = answer.choices
    expect(finish_reason).toBe('tool_calls')
    expect(message.content).toBeNull()
    expect(message.tool_calls?.map((call) => JSON.parse(call.function.arguments ?? ''))).toEqual([
      { location: 'Rome', unit: 'celsius' },
      { expression: '24*7' },
    ])
    const ids = message.tool_calls?.map(({ id }) => id) ?? []
    expect(new Set(ids).size).toBe(2)
    expect(ids.every((id) => id?.startsWith('call_'))).toBe(true)
  })

  test('is cut at max_tokens, and says length', async () => {
    const answer = await plain(conversation('hello', { max_tokens: 3 }))
    expect(answer.choices[0].message.content).toHaveLength(12)
    expect(answer.choices[0].finish_reason).toBe('length')
    expect(answer.usage.completion_tokens).toBe(3)
  })

  test('may be cut in the arguments of a call', async () => {
    const answer = await plain(conversation('weather in Rome', { max_completion_tokens: 5 }))
    expect(answer.choices[0].finish_reason).toBe('length')
    expect(answer.choices[0].message.tool_calls?.[0]?.function.arguments).toBe('{"locatio')
  })

  test('two new servers give the same ids to the same requests, and ids of the history are not used again', async () => {
    await using one = await offlineServer()
    await using other = await offlineServer()
    const first = await plain(conversation('1+1'), one)
    expect(first.id).toBe('chatcmpl-offline-1')
    expect({ ...(await plain(conversation('1+1'), other)), created: 0 }).toEqual({ ...first, created: 0 })

    const calls = first.choices[0].message.tool_calls ?? []
    const history = [
      { role: 'user', content: '1+1' },
      { role: 'assistant', content: null, tool_calls: calls },
      { role: 'tool', tool_call_id: calls[0]?.id, content: '2' },
      { role: 'user', content: '2+2' },
    ]
    await using fresh = await offlineServer()
    const next = await plain({ model: 'm', messages: history, tools: TOOLS }, fresh)
    expect(next.choices[0].message.tool_calls?.[0]?.id).not.toBe(calls[0]?.id)
  })
})

describe('a stream', () => {
  test('begins with the role, brings text in pieces and ends with the reason', async () => {
    const chunks = await stream(conversation('hello'))
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' })
    const pieces = chunks.slice(1, -1).map(({ choices }) => choices[0]?.delta.content ?? '')
    expect(pieces.length).toBeGreaterThan(10)
    expect(pieces.join('')).toBe((await plain(conversation('hello'))).choices[0].message.content)
    expect(chunks.at(-1)?.choices[0]).toEqual({ delta: {}, finish_reason: 'stop' })
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    expect(chunks.every(({ usage }) => usage === undefined)).toBe(true)
  })

  test('brings each call with its id and name first and the arguments in several pieces', async () => {
    const chunks = await stream(conversation('How warm is it in Tokyo and in Rome?'))
    const parts = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])
    for (const index of [0, 1]) {
      const [head, ...rest] = parts.filter((part) => part.index === index)
      expect(head).toMatchObject({ type: 'function', function: { name: 'get_weather', arguments: '' } })
      expect(head?.id).toMatch(/^call_/)
      expect(rest.length).toBeGreaterThan(1)
      expect(rest.every(({ id, function: { name } }) => id === undefined && name === undefined)).toBe(true)
      expect(JSON.parse(rest.map((part) => part.function.arguments).join(''))).toEqual({
        location: ['Tokyo', 'Rome'][index],
        unit: 'celsius',
      })
    }
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls')
  })

  test('ends with a usage chunk without choices when that is asked for', async () => {
    const chunks = await stream(conversation('hello', { stream_options: { include_usage: true } }))
    const last = chunks.at(-1)
    expect(last?.choices).toEqual([])
    expect(last?.usage).toEqual((await plain(conversation('hello'))).usage)
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop')
  })

  test('arrives in more than one piece on the wire', async () => {
    await using slow = await offlineServer({ chunkDelayMs: 2 })
    const response = await post(conversation('hello', { stream: true }), slow)
    let reads = 0
    for await (const _ of response.body ?? []) reads++
    expect(reads).toBeGreaterThan(5)
  })

  test('stops when the client goes away, and the server goes on', async () => {
    await using slow = await offlineServer({ chunkDelayMs: 5 })
    const leave = new AbortController()
    const response = await fetch(`${slow.url}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(conversation('help', { stream: true })),
      signal: leave.signal,
    })
    const reader = response.body?.getReader()
    await reader?.read()
    leave.abort()
    await expect(reader?.read()).rejects.toThrow()
    expect((await plain(conversation('hello'), slow)).choices).toHaveLength(1)
  })
})

describe('a wrong request', () => {
  test.each([
    ['not JSON', '{"model":', null, 'not JSON'],
    ['an array', [], null, 'body'],
    ['no messages', { model: 'm' }, 'messages', 'messages'],
    ['empty messages', { messages: [] }, 'messages', 'at least one message'],
    ['messages that are no array', { messages: 'hi' }, 'messages', 'messages'],
    ['an unknown role', { messages: [{ role: 'robot', content: 'hi' }] }, 'messages[0].role', 'role'],
    ['a negative limit', conversation('hi', { max_tokens: -1 }), 'max_tokens', 'max_tokens'],
    ['an unknown tool choice', conversation('hi', { tool_choice: 'always' }), 'tool_choice', 'tool_choice'],
  ])('%s is a 400 that names the field', async (_, body, param, words) => {
    const response = await post(body)
    expect(response.status).toBe(400)
    const { error } = Failure.parse(await response.json())
    expect(error).toMatchObject({ type: 'invalid_request_error', param })
    expect(error.message).toContain(words)
  })

  test('an unknown path is a 404', async () => {
    const response = await fetch(`${server.url}/embeddings`, { method: 'POST', body: '{}' })
    expect(response.status).toBe(404)
    expect(Failure.parse(await response.json()).error.code).toBe('unknown_url')
  })

  test.each([
    ['GET', 'chat/completions', 'POST'],
    ['POST', 'models', 'GET'],
  ])('%s %s is a 405 that names the right method', async (method, path, allow) => {
    const response = await fetch(`${server.url}/${path}`, { method })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe(allow)
    expect(Failure.parse(await response.json()).error.message).toContain(allow)
  })

  test('a body over 16 MB is a 413', async () => {
    const response = await post(conversation('x'.repeat(17 * 1024 * 1024)))
    expect(response.status).toBe(413)
    expect(Failure.parse(await response.json()).error.code).toBe('body_too_large')
  })

  test('a message of a megabyte is fine, and quick', async () => {
    const start = performance.now()
    const answer = await plain(conversation(`24*7 ${'and so on '.repeat(100_000)}`))
    expect(answer.choices[0].message.tool_calls).toHaveLength(1)
    expect(performance.now() - start).toBeLessThan(1_000)
  })
})

describe('the server', () => {
  test('lists one model', async () => {
    const response = await fetch(`${server.url}/models`)
    expect(await response.json()).toMatchObject({ object: 'list', data: [{ id: 'busline-offline' }] })
  })

  test('keeps a connection for the next request', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const localPort = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = request(`${server.url}/chat/completions`, { method: 'POST', agent }, (response) => {
          const port = response.socket.localPort
          response.resume().on('end', () => resolve(port))
        })
        sent.on('error', reject).end(JSON.stringify(conversation('24*7', { stream: true })))
      })
    const first = await localPort()
    expect(first).toBeGreaterThan(0)
    expect(await localPort()).toBe(first)
    agent.destroy()
  })

  test('answers many requests at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => plain(conversation(`${index}+1`))),
    )
    const sums = answers.map(({ choices }) => choices[0].message.tool_calls?.[0]?.function.arguments)
    expect(sums).toEqual(
      Array.from({ length: 50 }, (_, index) => JSON.stringify({ expression: `${index}+1` })),
    )
    expect(new Set(answers.map(({ id }) => id)).size).toBe(50)
  })

  test('closing twice is one closing, and ends streams in flight', async () => {
    const closing = await offlineServer({ chunkDelayMs: 1_000 })
    const response = await post(conversation('hello', { stream: true }), closing)
    const text = response.text()
    await Promise.all([closing.close(), closing.close(), expect(text).rejects.toThrow()])
    await closing.close()
    await expect(fetch(`${closing.url}/models`)).rejects.toThrow()
  })

  test('a port that is taken is an error of the call', async () => {
    const port = Number(new URL(server.url).port)
    await expect(offlineServer({ port })).rejects.toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      message: expect.stringContaining('EADDRINUSE'),
    })
  })

  test('keeps no process alive, not even with a connection that waits for the next request', async () => {
    const script = `
      import { offlineServer } from ${JSON.stringify(new URL('../../src/offline/open-offline-server.ts', import.meta.url).href)}
      const server = await offlineServer()
      await (await fetch(server.url + '/models')).text()`
    const start = performance.now()
    await promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script])
    expect(performance.now() - start).toBeLessThan(4_500) // the connection would stay for 5 seconds
  })
})
