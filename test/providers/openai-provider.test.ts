import { getEventListeners } from 'node:events'
import { inspect } from 'node:util'
import {
  CallModel,
  isTransient,
  memoryJournal,
  MessageBus,
  ModelTextReceived,
  retry,
  type ConversationMessage,
} from 'busline'
import { afterEach, expect, test, vi } from 'vitest'
import { profileFor } from '../../src/providers/choose-profile.ts'
import { openaiProvider } from '../../src/providers/openai-provider.ts'
import { wireName } from '../../src/providers/wire-names.ts'
import { ask, question } from './fixtures/ask.ts'
import { proxyTo } from './fixtures/proxy-server.ts'
import { deferred } from './fixtures/deferred.ts'
import { beginStream, chatServer, delta, says, sendJson, sendStream } from './fixtures/chat-server.ts'

afterEach(() => void vi.unstubAllEnvs())

test('a call posts the conversation, and resolves to the answer without ids of ours', async () => {
  await using server = await chatServer((response) => sendJson(response, 200, says('hi')))
  const { answer, texts } = await ask({ baseURL: server.url, stream: false, apiKey: 'sk-test-1234' })

  expect(answer).toMatchObject({
    message: { role: 'assistant', content: 'hi' },
    finishReason: 'stop',
    usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
    model: 'real-model',
    provider: 'generic',
  })
  expect(texts).toEqual(['hi'])
  expect(server.requests).toMatchObject([
    {
      path: '/v1/chat/completions',
      headers: { authorization: 'Bearer sk-test-1234', 'content-type': 'application/json' },
      body: { model: 'test-model', messages: [{ role: 'user', content: 'hello' }] },
    },
  ])
})

test('while a stream arrives its text, reasoning and calls are published piece by piece', async () => {
  await using server = await chatServer((response) =>
    sendStream(
      response,
      delta({ role: 'assistant', reasoning_content: 'hm' }),
      delta({ content: 'Let me' }),
      delta({ content: ' see' }),
      delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'look', arguments: '{' } }] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '}' } }] }, 'tool_calls'),
    ),
  )
  const { answer, texts, reasonings, started } = await ask({ baseURL: server.url })

  expect(texts).toEqual(['Let me', ' see'])
  expect(reasonings).toEqual(['hm'])
  expect(started).toEqual([{ call: 'a', name: 'look' }])
  expect(answer).toMatchObject({
    message: {
      content: 'Let me see',
      reasoning_content: 'hm',
      tool_calls: [{ id: 'a', function: { name: 'look', arguments: '{}' } }],
    },
    finishReason: 'tool_calls',
  })
  expect(server.requests[0]?.body).toMatchObject({ stream: true, stream_options: { include_usage: true } })
})

test('a body is read where a stream was asked for, and a stream where a body was', async () => {
  await using bodies = await chatServer((response) => sendJson(response, 200, says('hi')))
  await using streams = await chatServer((response) => sendStream(response, delta({ content: 'hi' }, 'stop')))

  expect((await ask({ baseURL: bodies.url, stream: true })).answer?.message.content).toBe('hi')
  expect((await ask({ baseURL: streams.url, stream: false })).answer?.message.content).toBe('hi')
})

test('calls that follow one another use their connections again, also after streams', async () => {
  await using server = await chatServer((response) => sendStream(response, delta({ content: 'hi' }, 'stop')))
  await using bus = new MessageBus()
  bus.attach(openaiProvider({ baseURL: server.url, model: 'm' }))

  for (let call = 0; call < 10; call++) await bus.execute(CallModel, question)
  // One is still on its way back when the next call begins.
  expect(server.connections).toBeLessThanOrEqual(2)
})

test('an answer is not held up by a server that keeps the stream open after [DONE]', async () => {
  await using server = await chatServer((response) => {
    beginStream(response, delta({ content: 'hi' }, 'stop')).write('data: [DONE]\n\n')
  })
  expect((await ask({ baseURL: server.url })).answer?.message.content).toBe('hi')
})

test('without key and base URL the error says what to set', async () => {
  const { error } = await ask({})
  expect(error).toMatchObject({
    code: 'AUTHENTICATION_FAILED',
    message: expect.stringContaining('OPENAI_API_KEY'),
  })
})

test('nothing is read from the environment', async () => {
  vi.stubEnv('OPENAI_API_KEY', 'sk-from-the-environment')
  vi.stubEnv('OPENAI_ADMIN_KEY', 'sk-admin')
  vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:1/v1')
  vi.stubEnv('OPENAI_ORG_ID', 'org-x')
  vi.stubEnv('OPENAI_PROJECT_ID', 'proj-x')
  vi.stubEnv('OPENAI_CUSTOM_HEADERS', 'Authorization: Bearer other\nX-Custom: 1')
  vi.stubEnv('OPENAI_LOG', 'debug')
  const log = vi.spyOn(console, 'debug')
  await using server = await chatServer((response) => sendJson(response, 200, says('hi')))

  expect((await ask({})).error?.code).toBe('AUTHENTICATION_FAILED')
  await ask({ baseURL: server.url })
  await ask({ baseURL: server.url, apiKey: 'sk-given' })

  const named = Object.keys(server.requests[0]?.headers ?? {})
  expect(named.filter((name) => /authorization|openai|custom|stainless/.test(name))).toEqual([])
  expect(server.requests[1]?.headers.authorization).toBe('Bearer sk-given')
  expect(log).not.toHaveBeenCalled()
  log.mockRestore()
})

test.each(['sk-canary-0123456789', 'k3y'])(
  'a key that the server echoes (%s) is in no error, event or record',
  async (apiKey) => {
    await using server = await chatServer((response, number) =>
      number === 1
        ? sendJson(response, 429, { error: { message: `slow down, ${apiKey}` } }, { 'retry-after-ms': '1' })
        : sendJson(response, 401, { error: { message: `Incorrect API key: ${apiKey}.`, type: apiKey } }),
    )
    const journal = memoryJournal()
    const bus = new MessageBus({ journal })
    bus.attach(openaiProvider({ apiKey, baseURL: server.url, model: 'm' }))
    bus.use(retry({ when: isTransient }), { for: [CallModel] })
    const seen: unknown[] = []
    bus.on('**', (data) => void seen.push(data))

    const error: unknown = await bus.execute(CallModel, question).catch((thrown: unknown) => thrown)
    await bus.stop()

    expect(error).toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringContaining('Incorrect API key: [secret].'),
      data: { type: '[secret]', status: 401 },
    })
    const shown = `${error instanceof Error ? error.stack : ''}${JSON.stringify([error, seen])}${journal.lines.join('')}`
    expect(shown).toContain('slow down, [secret]')
    expect(shown).not.toContain(apiKey)
  },
)

test('a call is one attempt: a failure that may pass says so, and retry around it tries again', async () => {
  await using server = await chatServer((response, number) => {
    if (number === 1)
      return sendJson(response, 429, { error: { message: 'slow' } }, { 'retry-after-ms': '1' })
    if (number === 2) return sendJson(response, 503, 'busy')
    if (number === 3) return response.socket?.resetAndDestroy()
    return sendJson(response, 200, says('hi'))
  })
  const { error } = await ask({ baseURL: server.url })
  expect(error).toMatchObject({ code: 'RATE_LIMITED', data: { status: 429, retryAfter: 1 } })
  expect(isTransient(error)).toBe(true)
  expect(server.requests).toHaveLength(1)

  await using bus = new MessageBus()
  bus.attach(openaiProvider({ baseURL: server.url, model: 'm' }))
  bus.use(retry({ when: isTransient, delay: 1 }), { for: [CallModel] })
  expect((await bus.execute(CallModel, question)).message.content).toBe('hi')
  expect(server.requests).toHaveLength(4)
})

test('a connection that is lost before anything came may be tried again, before or after the headers', async () => {
  await using server = await chatServer((response, number) => {
    if (number === 1) return response.socket?.resetAndDestroy()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': waiting\n\n', () => response.socket?.resetAndDestroy())
    return undefined
  })
  for (const { error } of [await ask({ baseURL: server.url }), await ask({ baseURL: server.url })]) {
    expect(error?.code).toBe('MODEL_UNAVAILABLE')
    expect(isTransient(error)).toBe(true)
  }
})

test('the error of an answer that broke off holds the text', async () => {
  await using reset = await chatServer((response) => {
    beginStream(response, delta({ content: 'half' })).write(': x\n\n', () =>
      response.socket?.resetAndDestroy(),
    )
  })
  await using limited = await chatServer((response) => {
    sendStream(response, delta({ content: 'half' }), { error: { message: 'slow', code: 429 } })
  })

  expect((await ask({ baseURL: reset.url })).error).toMatchObject({
    code: 'ANSWER_CUT',
    data: { text: 'half' },
  })
  expect((await ask({ baseURL: limited.url })).error).toMatchObject({
    code: 'RATE_LIMITED',
    data: { text: 'half' },
  })
})

test('a stream that a proxy ends politely is cut, with calls or without', async () => {
  const call = { tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{"x":1}' } }] }
  await using inText = await chatServer((response) => beginStream(response, delta({ content: 'half' })).end())
  await using inCall = await chatServer((response) => beginStream(response, delta(call)).end())
  await using atOnce = await chatServer((response) => beginStream(response).end())

  for (const [server, text] of [
    [inText, 'half'],
    [inCall, ''],
    [atOnce, ''],
  ] as const) {
    const { answer, error } = await ask({ baseURL: server.url })
    expect(answer).toBeUndefined()
    expect(error).toMatchObject({ code: 'ANSWER_CUT', data: { text } })
  }
})

test('a redirect is not followed, so that no key goes where it was not meant for', async () => {
  await using other = await chatServer((response) => sendJson(response, 200, says('hi')))
  await using server = await chatServer((response) =>
    response.writeHead(307, { location: `${other.url}/chat/completions` }).end(),
  )
  const { error } = await ask({ baseURL: server.url, apiKey: 'sk-1' })
  expect(error).toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringContaining('it has moved to'),
  })
  expect(other.requests).toEqual([])
})

test('a body that breaks off was cut', async () => {
  await using server = await chatServer((response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
    response.write('{"choices":[', () => response.socket?.destroy())
  })
  const { error } = await ask({ baseURL: server.url, stream: false })
  expect(error).toMatchObject({ code: 'ANSWER_CUT', data: { text: '' } })
  expect(server.requests).toHaveLength(1)
})

test('a stream that broke off with an error is not listened to any longer', async () => {
  const closed = deferred()
  await using server = await chatServer((response) => {
    response.on('close', () => closed.resolve())
    beginStream(response, { error: { message: 'out of memory' } })
  })
  expect((await ask({ baseURL: server.url })).error?.code).toBe('PROVIDER_FAILED')
  await closed.promise
})

test('a server that is not there is an error at once that asks whether it is running', async () => {
  const server = await chatServer(() => undefined)
  await server[Symbol.asyncDispose]()
  const { error } = await ask({ baseURL: server.url })

  expect(error).toMatchObject({
    code: 'MODEL_UNAVAILABLE',
    message: `Can't reach ${server.url}/chat/completions: connection refused. Is the server running?`,
    data: { code: 'ECONNREFUSED' },
  })
  expect(isTransient(error)).toBe(false)
})

test('https to a server that speaks http says so', async () => {
  await using server = await chatServer(() => undefined)
  const { error } = await ask({ baseURL: server.url.replace('http:', 'https:') })
  expect(error).toMatchObject({
    code: 'MODEL_UNAVAILABLE',
    message: expect.stringContaining('http:// instead'),
  })
})

test('a proxy that the environment sets is used, for bodies, streams and errors', async () => {
  await using server = await chatServer((response, number) => {
    if (number === 1) return sendJson(response, 200, says('hi'))
    if (number === 2) return sendStream(response, delta({ content: 'h' }), delta({ content: 'i' }, 'stop'))
    if (number === 3) return sendJson(response, 404, { error: { message: 'No such model.' } })
    return response.writeHead(307, { location: 'http://other.test/' }).end()
  })
  await using proxy = await proxyTo(server.port)
  vi.stubEnv('http_proxy', `http://${proxy.host}`)
  const baseURL = 'http://model.test/v1'

  expect((await ask({ baseURL, apiKey: 'sk-1' })).answer?.message.content).toBe('hi')
  expect((await ask({ baseURL })).answer?.message.content).toBe('hi')
  expect((await ask({ baseURL })).error).toMatchObject({ code: 'INVALID_REQUEST', data: { status: 404 } })
  expect((await ask({ baseURL })).error?.message).toContain('it has moved to http://other.test/')
  expect(proxy.seen).toEqual(Array(4).fill('forward http://model.test/v1/chat/completions'))
  expect(server.requests[0]).toMatchObject({
    path: '/v1/chat/completions',
    headers: { authorization: 'Bearer sk-1' },
    body: { model: 'test-model' },
  })
})

test('a proxy that is not there is named', async () => {
  const server = await chatServer(() => undefined)
  await server[Symbol.asyncDispose]()
  vi.stubEnv('http_proxy', `http://127.0.0.1:${server.port}`)
  expect((await ask({ baseURL: 'http://model.test/v1' })).error?.message).toBe(
    `Can't reach http://model.test/v1/chat/completions through the proxy 127.0.0.1:${server.port}: connection refused. Check HTTPS_PROXY and HTTP_PROXY.`,
  )
})

test('a cancel in the middle of a stream keeps the text, and the server sees the connection close', async () => {
  const controller = new AbortController()
  const closed = deferred()
  await using server = await chatServer((response) => {
    response.on('close', () => closed.resolve())
    beginStream(response, delta({ content: 'half' }))
  })
  const { answer, error } = await ask(
    { baseURL: server.url },
    { execute: { signal: controller.signal }, onText: () => controller.abort(new Error('enough')) },
  )

  await closed.promise
  expect(answer).toBeUndefined()
  expect(error).toMatchObject({ code: 'CANCELLED', data: { text: 'half' }, cause: { code: 'CANCELLED' } })
})

test('a timeout before any text is the timeout itself', async () => {
  await using server = await chatServer(() => undefined)
  const { error } = await ask({ baseURL: server.url }, { execute: { timeout: 20 } })
  expect(error).toMatchObject({ code: 'TIMED_OUT', data: { timeout: 20 } })
})

test('calls leave no listener on a signal that lives longer', async () => {
  await using server = await chatServer((response) => sendJson(response, 200, says('hi')))
  await using bus = new MessageBus()
  bus.attach(openaiProvider({ baseURL: server.url, model: 'm' }))
  const signals: AbortSignal[] = []
  bus.use((_message, next, scope) => {
    signals.push(scope.signal)
    return next()
  })

  await bus.execute(CallModel, question)
  expect(signals.flatMap((signal) => getEventListeners(signal, 'abort'))).toEqual([])
})

test('text is published before the answer is there', async () => {
  const heard = deferred<string>()
  await using server = await chatServer((response) => {
    beginStream(response, delta({ content: 'first' }))
    void heard.promise.then(() => response.end(`data: ${JSON.stringify(delta({}, 'stop'))}\n\n`))
  })
  await using bus = new MessageBus()
  bus.attach(openaiProvider({ baseURL: server.url, model: 'm' }))
  bus.on(ModelTextReceived, ({ text }) => heard.resolve(text))

  expect((await bus.execute(CallModel, question)).message.content).toBe('first')
})

test('tools of any name are called by it, from the offer to the history, on the bus and in the answer', async () => {
  const call = (name: unknown): unknown => ({ index: 0, id: 'a', function: { name, arguments: '{}' } })
  await using server = await chatServer((response, _number, { body }) => {
    const offered = /"tools":\[\{"type":"function","function":\{"name":"([^"]*)"/.exec(
      JSON.stringify(body),
    )?.[1]
    sendStream(response, delta({ tool_calls: [call(offered)] }, 'tool_calls'))
  })
  const tools = [{ name: 'math.add', description: '', parameters: { type: 'object' } }]
  const { answer, started } = await ask({ baseURL: server.url }, { request: { tools } })
  expect(started).toEqual([{ call: 'a', name: 'math.add' }])
  expect(answer?.message.tool_calls?.map(({ function: { name } }) => name)).toEqual(['math.add'])

  const result: ConversationMessage = { role: 'tool', tool_call_id: 'a', content: '3' }
  const messages = [...question.messages, ...(answer ? [answer.message] : []), result]
  await ask({ baseURL: server.url }, { request: { messages } })
  const [first, second] = server.requests.map(({ body }) => /math[^"]*/.exec(JSON.stringify(body))?.[0])
  expect(first).toMatch(/^math_add_/)
  expect(second).toBe(first)
})

test('a call by a name that differs in case is told as it came', async () => {
  await using server = await chatServer((response) =>
    sendStream(
      response,
      delta(
        { tool_calls: [{ index: 0, id: 'a', function: { name: 'Look', arguments: '{}' } }] },
        'tool_calls',
      ),
    ),
  )
  const tools = [{ name: 'look', description: '', parameters: { type: 'object' } }]
  const { answer } = await ask({ baseURL: server.url }, { request: { tools } })
  expect(answer?.message.tool_calls?.[0]?.function.name).toBe('Look')
})

test("the profile decides what is sent and how the answer is read, and is the answer's provider", async () => {
  await using server = await chatServer((response) =>
    sendJson(response, 200, says('<think>hm</think>{"a":1}')),
  )
  const schema = {
    name: 'o',
    schema: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] },
  }
  const messages: ConversationMessage[] = [
    { role: 'system', content: 'Be short.', meta: { pinned: true } },
    { role: 'user', content: 'hi', meta: { cost: 1 } },
  ]
  const generic = profileFor('http://localhost:8000/v1')
  const { answer, reasonings } = await ask(
    {
      baseURL: server.url,
      stream: false,
      profile: { ...generic, name: 'mine', output: 'object', thinkTags: true },
    },
    { request: { messages, schema, seed: 0 } },
  )
  expect(answer).toMatchObject({ provider: 'mine', message: { content: '{"a":1}' } })
  expect(reasonings.join('')).toBe('hm')
  expect(server.requests[0]?.body).toEqual({
    model: 'test-model',
    seed: 0,
    response_format: { type: 'json_object' },
    messages: [
      {
        role: 'system',
        content: expect.stringMatching(/^Be short\.\n\nAnswer with JSON .*"required":\["a"\]/s),
      },
      { role: 'user', content: 'hi' },
    ],
  })
})

test('a status is told although its body does not end, also when the time runs out meanwhile', async () => {
  await using server = await chatServer((response) => {
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '2' })
    response.write('{"error":{"message":"slow down"')
  })
  for (const timeouts of [{}, { request: 200 }]) {
    const start = performance.now()
    const { error } = await ask({ baseURL: server.url, timeouts })
    expect(error).toMatchObject({
      code: 'RATE_LIMITED',
      message: expect.stringContaining('slow down'),
      data: { status: 429, retryAfter: 2000 },
    })
    expect(performance.now() - start).toBeLessThan(3000)
  }
})

test('a switch to another protocol is an error at once, and no timeout is waited for', async () => {
  await using server = await chatServer((response) => {
    response.socket?.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
  })
  const { error } = await ask({ baseURL: server.url, timeouts: { request: 2000 } })
  expect(error).toMatchObject({ code: 'MODEL_UNAVAILABLE', data: { code: 'ERR_OTHER_PROTOCOL' } })
})

test('no part of a key is in an error, wherever the text that repeats it is cut', async () => {
  const key = `sk-${'K'.repeat(45)}`
  const texts = [`${'x'.repeat(455)} ${key}`, `${'x'.repeat(180)} ${key}`, `{"a":1 "${key}"}`, `${key} no`]
  for (const status of [401, 200]) {
    for (const text of texts) {
      await using server = await chatServer((response) => {
        response.writeHead(status, { 'content-type': 'text/plain' })
        response.end(text)
      })
      const { error } = await ask({ baseURL: server.url, apiKey: key })
      expect(error).toBeDefined()
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('sk-K')
    }
  }
})

test('a key in the query of the base URL is in no error, nor is it where a redirect repeats it', async () => {
  await using server = await chatServer((response, number, { path }) =>
    number === 1
      ? response.writeHead(307, { location: `https://other.test${path}` }).end()
      : sendJson(response, 400, { error: { message: `no ${path}` } }),
  )
  for (const said of ['moved to https://other.test/v1/chat/completions. ', '?key=[secret]']) {
    const { error } = await ask({ baseURL: `${server.url}?key=QUERYSECRET12345` })
    expect(error?.message).toContain(said)
    expect(inspect(error, { depth: 9 })).not.toContain('QUERYSECRET')
  }
})

test('a tool that is only in the history comes back under its own name', async () => {
  const called = [{ id: 'a', type: 'function' as const, function: { name: 'math.add', arguments: '{}' } }]
  await using server = await chatServer((response) =>
    sendStream(
      response,
      delta({
        tool_calls: [{ index: 0, id: 'b', function: { name: wireName('math.add'), arguments: '{}' } }],
      }),
      delta({}, 'tool_calls'),
    ),
  )
  const messages: ConversationMessage[] = [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: null, tool_calls: called },
    { role: 'tool', tool_call_id: 'a', content: '1' },
  ]
  const { answer, started } = await ask({ baseURL: server.url }, { request: { messages } })
  expect(answer?.message.tool_calls?.[0]?.function.name).toBe('math.add')
  expect(started).toEqual([{ call: 'b', name: 'math.add' }])
})

test('an error body of brackets, or of a name that every object has, is a coded error', async () => {
  const bodies = ['['.repeat(30_000) + ']'.repeat(30_000), { error: { message: 'no', type: 'constructor' } }]
  for (const status of [200, 400]) {
    for (const body of bodies) {
      await using server = await chatServer((response) => sendJson(response, status, body))
      expect((await ask({ baseURL: server.url })).error?.code).toBe(
        status === 400 ? 'INVALID_REQUEST' : 'PROVIDER_FAILED',
      )
    }
  }
})
