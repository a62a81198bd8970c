import { CallModel, createApp, defineTool, MessageBus } from 'busline'
import { anthropicProvider } from 'busline/anthropic'
import { afterEach, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { anthropicClient, anthropicEndpoint } from '../../../src/providers/anthropic-client.ts'
import { wireName } from '../../../src/providers/wire-names.ts'
import { sse } from '../contract/messages-wire.ts'
import { chatServer, sendJson } from '../fixtures/chat-server.ts'
import { deferred } from '../fixtures/deferred.ts'
import { askAnthropic, begin, block, ending, messageStart, textBlock } from './ask-anthropic.ts'

afterEach(() => void vi.unstubAllEnvs())

const whole = {
  id: 'msg_01',
  type: 'message',
  role: 'assistant',
  model: 'claude-real',
  content: [{ type: 'text', text: 'hi' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 5, output_tokens: 7, service_tier: 'standard' },
}

test('a call posts to /v1/messages with key, version and betas, and resolves to the answer with who gave it', async () => {
  await using server = await chatServer((response) =>
    sendJson(response, 200, whole, { 'request-id': 'req_9' }),
  )
  const { answer } = await askAnthropic({ baseURL: server.url, stream: false, betas: ['a-1', 'b-2'] })

  expect(answer).toEqual({
    message: { role: 'assistant', content: 'hi' },
    finishReason: 'stop',
    usage: { inputTokens: 5, outputTokens: 7, totalTokens: 12 },
    rawUsage: { input_tokens: 5, output_tokens: 7, service_tier: 'standard' },
    model: 'claude-real',
    provider: 'anthropic',
    response: { id: 'msg_01', requestId: 'req_9', serviceTier: 'standard' },
  })
  expect(server.requests).toMatchObject([
    {
      path: '/v1/messages',
      headers: {
        'x-api-key': 'sk-ant-canary-1',
        'anthropic-version': '2026-10-21',
        'anthropic-beta': 'a-1,b-2',
        'content-type': 'application/json',
      },
      body: {
        model: 'claude-test',
        max_tokens: 16_384,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
      },
    },
  ])
  expect(
    Object.keys(server.requests[0]?.headers ?? {}).filter((name) => name.startsWith('x-stainless')),
  ).toEqual([])
})

test('a stream is told piece by piece: thinking, text, and each call as soon as its block begins', async () => {
  const heard = deferred()
  await using server = await chatServer((response) => {
    begin(
      response,
      messageStart(),
      { type: 'ping' },
      ...block(
        0,
        { type: 'thinking', thinking: '', signature: '' },
        { type: 'thinking_delta', thinking: 'h' },
        { type: 'thinking_delta', thinking: 'm' },
        { type: 'signature_delta', signature: 'EqQB' },
      ),
      ...textBlock(1, 'Let me', ' see'),
      {
        type: 'content_block_start',
        index: 2,
        content_block: { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} },
      },
    )
    void heard.promise.then(() =>
      response.end(
        sse(
          ...['', '{"at', '": "x"}'].map((partial) => ({
            type: 'content_block_delta',
            index: 2,
            delta: { type: 'input_json_delta', partial_json: partial },
          })),
          { type: 'content_block_stop', index: 2 },
          ...ending('tool_use'),
        ),
      ),
    )
  })
  const bus = new MessageBus()
  bus.attach(anthropicProvider({ baseURL: server.url, model: 'm' }))
  bus.on('model.toolCallStarted', () => heard.resolve())
  const answer = await bus.execute(CallModel, {
    model: null,
    messages: [{ role: 'user', content: 'x' }],
    tools: [],
  })
  await bus.stop()

  expect(answer).toMatchObject({
    message: {
      content: 'Let me see',
      reasoning_details: [{ type: 'thinking', thinking: 'hm', signature: 'EqQB' }],
      tool_calls: [{ id: 'toolu_1', type: 'function', function: { name: 'look', arguments: '{"at": "x"}' } }],
    },
    finishReason: 'tool_calls',
    response: { id: 'msg_01', requestId: 'req_01' },
  })
})

test('a body is read where a stream was asked for, and a stream where a body was', async () => {
  await using bodies = await chatServer((response) => sendJson(response, 200, whole))
  await using streams = await chatServer((response) =>
    begin(response, messageStart(), ...textBlock(0, 'hi'), ...ending()).end(),
  )
  expect((await askAnthropic({ baseURL: bodies.url })).answer?.message.content).toBe('hi')
  expect((await askAnthropic({ baseURL: streams.url, stream: false })).answer?.message.content).toBe('hi')
})

test('an answer is not held up by a server that keeps the stream open after message_stop', async () => {
  await using server = await chatServer((response) => {
    begin(response, messageStart(), ...textBlock(0, 'hi'), ...ending())
  })
  expect((await askAnthropic({ baseURL: server.url })).answer?.message.content).toBe('hi')
})

test('a stop reason without message_stop is an end; without either the answer is cut, with its text and usage', async () => {
  await using told = await chatServer((response) =>
    begin(response, messageStart(), ...textBlock(0, 'hi'), ...ending().slice(0, 1)).end(),
  )
  await using cut = await chatServer((response) =>
    begin(response, messageStart({ input_tokens: 5, output_tokens: 2 }), ...textBlock(0, 'ha')).end(),
  )
  expect((await askAnthropic({ baseURL: told.url })).answer?.finishReason).toBe('stop')
  const { answer, error } = await askAnthropic({ baseURL: cut.url })
  expect(answer).toBeUndefined()
  expect(error).toMatchObject({
    code: 'ANSWER_CUT',
    data: { text: 'ha', usage: { inputTokens: 5, outputTokens: 2, totalTokens: 7 } },
  })
})

test('an error event in a stream has the status that it would have had as an answer, and keeps text and usage', async () => {
  const overloaded = {
    type: 'error',
    error: { type: 'overloaded_error', message: 'Overloaded' },
    request_id: 'req_7',
  }
  await using server = await chatServer((response) =>
    begin(response, messageStart(), ...textBlock(0, 'ha'), overloaded).end(),
  )
  const { error } = await askAnthropic({ baseURL: server.url })
  expect(error).toMatchObject({
    code: 'MODEL_UNAVAILABLE',
    message: `${server.url}/messages broke off with an error: Overloaded. Try again later.`,
    data: {
      type: 'overloaded_error',
      status: 529,
      requestId: 'req_01',
      text: 'ha',
      usage: { inputTokens: 5 },
    },
  })
})

test.each([
  [402, 'billing_error', 'PERMISSION_DENIED'],
  [413, 'request_too_large', 'INVALID_REQUEST'],
  [504, 'timeout_error', 'MODEL_UNAVAILABLE'],
  [529, 'overloaded_error', 'MODEL_UNAVAILABLE'],
] as const)('a %i (%s) is %s, with the server’s own code and request id', async (status, type, code) => {
  const told = { type: 'error', error: { type, message: 'no', details: { error_code: 'why_not' } } }
  await using server = await chatServer((response) =>
    sendJson(response, status, told, { 'request-id': 'req_3' }),
  )
  const { error } = await askAnthropic({ baseURL: server.url })
  expect(error).toMatchObject({ code, data: { status, type, code: 'why_not', requestId: 'req_3' } })
  expect(server.requests).toHaveLength(1)
})

test('a body in an error’s shape is an error also with a 200, and a page is no answer', async () => {
  const told = { type: 'error', error: { type: 'rate_limit_error', message: 'slow' } }
  await using failing = await chatServer((response) => sendJson(response, 200, told))
  await using page = await chatServer((response) => sendJson(response, 200, '<html>Welcome</html>'))
  expect((await askAnthropic({ baseURL: failing.url })).error).toMatchObject({
    code: 'RATE_LIMITED',
    data: { status: 429 },
  })
  expect((await askAnthropic({ baseURL: page.url })).error).toMatchObject({
    code: 'PROVIDER_FAILED',
    message: expect.stringContaining("Is the base URL that of Anthropic's Messages API?"),
  })
})

test('each timeout ends the call with its name, keeps the text and closes the connection', async () => {
  for (const [timeouts, limit, text] of [
    [{ request: 250 }, 'request', 'ha'],
    [{ betweenChunks: 250 }, 'betweenChunks', 'ha'],
    [{ firstChunk: 250 }, 'firstChunk', undefined],
  ] as const) {
    const closed = deferred()
    await using server = await chatServer((response) => {
      response.on('close', () => closed.resolve())
      if (text !== undefined) begin(response, messageStart(), ...textBlock(0, text))
    })
    const { error } = await askAnthropic({ baseURL: server.url, timeouts })
    expect(error).toMatchObject({ code: 'TIMED_OUT', data: { phase: limit, timeout: 250 } })
    expect(error?.data['text']).toBe(text)
    await closed.promise
  }
})

test('a cancel keeps the text, and the usage that was told for the bill', async () => {
  const controller = new AbortController()
  await using server = await chatServer((response) => {
    begin(response, messageStart(), ...textBlock(0, 'ha'))
  })
  const { error } = await askAnthropic(
    { baseURL: server.url },
    { execute: { signal: controller.signal }, onText: () => controller.abort() },
  )
  expect(error).toMatchObject({ code: 'CANCELLED', data: { text: 'ha', usage: { inputTokens: 5 } } })
})

test('in a turn, thinking goes back with the results of its calls, and no more in the next turn', async () => {
  const thinking = { type: 'thinking', thinking: 'hm', signature: 'EqQB' }
  const call = { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} }
  await using server = await chatServer((response, number) =>
    sendJson(
      response,
      200,
      number === 1 ? { ...whole, content: [thinking, call], stop_reason: 'tool_use' } : whole,
    ),
  )
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    parameters: z.object({}),
    run: () => 'dark',
  })
  const provider = anthropicProvider({ baseURL: server.url })
  await using app = createApp({ provider, model: 'claude-test', tools: [look] })
  const chat = app.chat()
  await chat.send('Look!')
  await chat.send('Thanks.')

  const contents = server.requests.map(({ body }) =>
    Array.isArray(body['messages'])
      ? body['messages'].map((message: { content: unknown }) => message.content)
      : [],
  )
  expect(contents[1]?.[1]).toEqual([thinking, call])
  expect(contents[1]?.[2]).toMatchObject([{ type: 'tool_result', tool_use_id: 'toolu_1' }])
  expect(contents[2]?.[1]).toEqual([call])
})

test('a key may be asked for with each call, and is hidden like one that was given', async () => {
  await using server = await chatServer((response, number) =>
    number === 1
      ? sendJson(response, 200, whole)
      : sendJson(response, 401, {
          error: { type: 'authentication_error', message: 'no such key: sk-ant-two-22' },
        }),
  )
  const keys = ['sk-ant-one-11', 'sk-ant-two-22']
  const bus = new MessageBus()
  bus.attach(anthropicProvider({ baseURL: server.url, model: 'm', apiKey: async () => keys.shift() ?? '' }))
  const request = { model: null, messages: [{ role: 'user' as const, content: 'x' }], tools: [] }
  await bus.execute(CallModel, request)
  const error: unknown = await bus.execute(CallModel, request).catch((thrown: unknown) => thrown)
  await bus.stop()

  expect(server.requests.map(({ headers }) => headers['x-api-key'])).toEqual([
    'sk-ant-one-11',
    'sk-ant-two-22',
  ])
  expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', message: expect.stringContaining('[secret]') })
  expect(JSON.stringify(error)).not.toContain('sk-ant-two')
})

test('nothing is read from the environment, and nothing is logged', async () => {
  vi.stubEnv('ANTHROPIC_API_KEY', 'sk-ant-from-the-environment')
  vi.stubEnv('ANTHROPIC_AUTH_TOKEN', 'token-from-the-environment')
  vi.stubEnv('ANTHROPIC_BASE_URL', 'http://127.0.0.1:1')
  vi.stubEnv('ANTHROPIC_CUSTOM_HEADERS', 'X-Custom: 1\nX-Api-Key: other')
  vi.stubEnv('ANTHROPIC_LOG', 'debug')
  const logs = (['debug', 'info', 'warn', 'error'] as const).map((level) => vi.spyOn(console, level))
  await using server = await chatServer((response) => sendJson(response, 200, whole))

  expect((await askAnthropic({ apiKey: undefined })).error).toMatchObject({
    code: 'AUTHENTICATION_FAILED',
    message: expect.stringContaining('anthropicProvider({ apiKey })'),
  })
  await askAnthropic({ baseURL: server.url, apiKey: undefined })
  expect(
    Object.keys(server.requests[0]?.headers ?? {}).filter((name) => /key|authorization|custom/.test(name)),
  ).toEqual([])
  for (const log of logs) {
    expect(log).not.toHaveBeenCalled()
    log.mockRestore()
  }
})

test('a schema goes in the form that structured outputs take, and the answer is its JSON', async () => {
  const content = [{ type: 'text', text: '{"a":1}' }]
  await using server = await chatServer((response) => sendJson(response, 200, { ...whole, content }))
  const schema = { type: 'object', properties: { a: { type: 'integer', minimum: 0 } }, required: ['a'] }
  const { answer } = await askAnthropic(
    { baseURL: server.url },
    { request: { schema: { name: 'output', schema } } },
  )
  expect(answer?.message.content).toBe('{"a":1}')
  expect(server.requests[0]?.body['output_config']).toMatchObject({
    format: { type: 'json_schema', schema: { type: 'object', additionalProperties: false, required: ['a'] } },
  })
})

test('a key is hidden before texts are cut, wherever the cut would be', async () => {
  const key = 'sk-ant-canary-0123456789'
  for (let before = 470; before <= 500; before += 5) {
    const message = `${'x'.repeat(before)}${key}`
    const told = { type: 'error', error: { type: 'authentication_error', message } }
    await using refusing = await chatServer((response) => sendJson(response, 401, told))
    await using breaking = await chatServer((response) => begin(response, messageStart(), told).end())
    await using page = await chatServer((response) =>
      sendJson(response, 200, `${'x'.repeat(before - 300)}${key}`),
    )
    for (const server of [refusing, breaking, page]) {
      const { error } = await askAnthropic({ baseURL: server.url, apiKey: key })
      expect(error).toBeDefined()
      expect(`${error?.message}${JSON.stringify(error?.data)}`).not.toContain('sk-ant')
    }
  }
})

test('a redirect is told by its origin and path: its query may hold a key', async () => {
  await using server = await chatServer((response) =>
    response.writeHead(307, { location: 'http://me:pass@other.test/there?api_key=canary-1' }).end(),
  )
  const { error } = await askAnthropic({ baseURL: server.url })
  expect(error?.message).toContain('moved to http://other.test/there.')
  expect(JSON.stringify(error)).not.toMatch(/canary|pass/)
})

test('a value of the base URL’s query is hidden where the server repeats it', async () => {
  await using server = await chatServer((response) =>
    sendJson(response, 400, { error: { type: 'invalid_request_error', message: 'bad token-canary-1' } }),
  )
  const { error } = await askAnthropic({ baseURL: `${server.url}?key=token-canary-1` })
  expect(error?.message).toContain('bad [secret]')
  expect(JSON.stringify(error)).not.toContain('token-canary')
})

test('a status is told although the body of the error never ends', async () => {
  await using server = await chatServer((response) => {
    response.writeHead(429, { 'retry-after': '7', 'request-id': 'req_4', 'content-type': 'application/json' })
    response.write('{"type":"error",')
  })
  const { error } = await askAnthropic({ baseURL: server.url, timeouts: { firstChunk: 5000 } })
  expect(error).toMatchObject({
    code: 'RATE_LIMITED',
    data: { status: 429, retryAfter: 7000, requestId: 'req_4' },
  })
})

test('an error of a type that every object has a field for is an error as any other', async () => {
  for (const type of ['constructor', '__proto__', 'toString']) {
    const told = { type: 'error', error: { type, message: 'odd' } }
    await using server = await chatServer((response) => begin(response, messageStart(), told).end())
    const { error } = await askAnthropic({ baseURL: server.url })
    expect(error).toMatchObject({ code: 'PROVIDER_FAILED', message: expect.stringContaining('odd') })
  }
  const request = { model: 'claude-opus-4-5', reasoningEffort: 'constructor' }
  await using server = await chatServer((response) => sendJson(response, 200, whole))
  await askAnthropic({ baseURL: server.url }, { request })
  expect(server.requests[0]?.body['thinking']).toEqual({ type: 'enabled', budget_tokens: 8192 })
})

test('a stop reason that every object has a field for does not lose the answer', async () => {
  await using server = await chatServer((response) =>
    sendJson(response, 200, { ...whole, stop_reason: 'constructor' }),
  )
  const { answer } = await askAnthropic({ baseURL: server.url })
  expect(answer).toMatchObject({ message: { content: 'hi' }, finishReason: 'constructor' })
})

test('a call by the sent name of a tool that is no longer on offer has the name that it had in the history', async () => {
  const content = [{ type: 'tool_use', id: 'toolu_2', name: wireName('math.add'), input: {} }]
  await using server = await chatServer((response) =>
    sendJson(response, 200, { ...whole, content, stop_reason: 'tool_use' }),
  )
  const calls = [{ id: 'a', type: 'function' as const, function: { name: 'math.add', arguments: '{}' } }]
  const { answer } = await askAnthropic(
    { baseURL: server.url },
    {
      request: {
        messages: [
          { role: 'user', content: 'x' },
          { role: 'assistant', content: null, tool_calls: calls },
          { role: 'tool', tool_call_id: 'a', content: '3' },
        ],
      },
    },
  )
  expect(server.requests[0]?.body['tools']).toMatchObject([{ name: wireName('math.add') }])
  expect(answer?.message.tool_calls?.[0]?.function.name).toBe('math.add')
})

test('betas that a request needs go beside those of the options, and only with it', async () => {
  await using server = await chatServer((response) => sendJson(response, 200, whole))
  const thinking = { type: 'thinking', thinking: '', signature: 'EqQB' }
  const messages = [
    { role: 'user' as const, content: 'x' },
    { role: 'assistant' as const, content: 'hm', reasoning_details: [thinking] },
  ]
  const options = { baseURL: server.url, model: 'claude-opus-5-5', betas: ['a-1'] }
  await askAnthropic(options)
  await askAnthropic(options, { request: { messages } })
  expect(server.requests.map(({ headers }) => headers['anthropic-beta'])).toEqual([
    'a-1',
    'a-1,thinking-binding-controls-2026-08-01',
  ])
})

test('a function that finds something else than a key is a coded error that does not tell it', async () => {
  // @ts-expect-error as a program without types may
  const { error } = await askAnthropic({ apiKey: () => 424_242 })
  expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', message: expect.stringContaining('number') })
  expect(error?.message).not.toContain('424242')
})

test('a redirect is not followed', async () => {
  await using server = await chatServer((response) =>
    response.writeHead(307, { location: 'http://other.test/' }).end(),
  )
  const { error } = await askAnthropic({ baseURL: server.url })
  expect(error).toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringContaining('moved to http://other.test/'),
  })
})

test('a server that is not there is an error that asks whether it is running', async () => {
  const server = await chatServer(() => undefined)
  await server[Symbol.asyncDispose]()
  expect((await askAnthropic({ baseURL: server.url })).error).toMatchObject({
    code: 'MODEL_UNAVAILABLE',
    message: `Can't reach ${server.url}/messages: connection refused. Is the server running?`,
  })
})

test('without the package the error says what to install', async () => {
  const missing = Promise.reject(new Error("Cannot find package '@anthropic-ai/sdk'"))
  const client = anthropicClient(anthropicEndpoint(undefined), { version: 'v', betas: [] }, () => missing)
  await expect(client).rejects.toMatchObject({
    code: 'MODEL_UNAVAILABLE',
    message: expect.stringContaining('npm install @anthropic-ai/sdk'),
  })
})

test('a base URL is taken with or without /v1, and with its query', () => {
  const at = (baseURL: string | undefined): string => anthropicEndpoint(baseURL).url.href
  expect(at(undefined)).toBe('https://api.anthropic.com/v1/messages')
  expect(at('http://a.test/v1/')).toBe('http://a.test/v1/messages')
  expect(at('http://a.test/proxy?x=1')).toBe('http://a.test/proxy/v1/messages?x=1')
})

test.each([
  [{ baseURL: 'localhost:8000' }, 'baseURL'],
  [{ baseURL: 'http://me:secret@a.test' }, 'apiKey'],
  [{ maxTokens: 0 }, 'maxTokens'],
  [{ timeouts: { firstChunk: -1 } }, 'timeouts.firstChunk'],
])('an option that can not be meant is refused where it is given: %j', (options, named) => {
  expect(() => anthropicProvider(options)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(named) }),
  )
})

test('a key that is neither a text nor a function is refused where it is given', () => {
  // @ts-expect-error as a program without types may
  expect(() => anthropicProvider({ apiKey: 42 })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('apiKey') }),
  )
})

test('betas that are no list are refused where they are given', () => {
  // @ts-expect-error as a program without types may
  expect(() => anthropicProvider({ betas: 'context-1m' })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('betas') }),
  )
})
