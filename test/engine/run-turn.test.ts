import {
  AppendMessages,
  CallModel,
  CallTool,
  CommitTurn,
  createApp,
  defineTool,
  memoryJournal,
  ModelTextReceived,
  OpenSession,
  RunTurn,
  scriptedProvider,
  textOf,
  TurnCancelled,
  TurnFailed,
  TurnFinished,
  UpdateSession,
  type AppOptions,
  type ModelRequest,
  type TurnResult,
} from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const add = defineTool({
  name: 'add',
  description: 'Add two numbers.',
  parameters: z.object({ a: z.number(), b: z.number() }),
  run: ({ a, b }) => a + b,
})

type Steps = Parameters<typeof scriptedProvider>[0]

function appWith(steps: Steps, options: AppOptions = {}) {
  const journal = memoryJournal()
  const app = createApp({ provider: scriptedProvider(steps), tools: [add], journal, ...options })
  const ends: string[] = []
  app.bus.on([TurnFinished, TurnFailed, TurnCancelled], (_data, scope) => void ends.push(scope.message.type))
  return { app, journal, ends, types: () => journal.records.map(({ kind, type }) => `${kind} ${type}`) }
}

/** A provider step that waits until the test lets it go. */
function held() {
  let release: (text: string) => void = () => undefined
  const answer = new Promise<string>((resolve) => (release = resolve))
  let asked: () => void = () => undefined
  const wasAsked = new Promise<void>((resolve) => (asked = resolve))
  return {
    step: () => {
      asked()
      return answer
    },
    release,
    wasAsked,
  }
}

const contents = (result: Pick<TurnResult, 'messages'>) =>
  result.messages.map(({ role, content }) => [role, content])

describe('a turn', () => {
  test('answers in words', async () => {
    const { app, ends } = appWith(['Hello!'])
    const result = await app.chat('s1').send('Hi')
    expect(result).toMatchObject({
      reply: 'Hello!',
      finishReason: 'stop',
      toolCalls: [],
      usage: null,
      steps: 1,
    })
    expect(contents(result)).toEqual([
      ['user', 'Hi'],
      ['assistant', 'Hello!'],
    ])
    await app.stop()
    expect(ends).toEqual(['chat.turnFinished'])
  })

  test('runs the tools that the model calls and tells it the results, in call order', async () => {
    const requests: ModelRequest[] = []
    const { app } = appWith([
      {
        text: 'Let me see.',
        toolCalls: [
          { name: 'add', arguments: { a: 1, b: 2 } },
          { name: 'add', arguments: { a: 3, b: 4 } },
        ],
      },
      (request) => {
        requests.push(request)
        return 'Three and seven.'
      },
    ])
    const result = await app.chat('s1').send('1+2 and 3+4?')
    expect(result.reply).toBe('Three and seven.')
    expect(result.toolCalls).toEqual([
      { id: 'call_1', name: 'add', arguments: { a: 1, b: 2 }, result: 3, error: null },
      { id: 'call_2', name: 'add', arguments: { a: 3, b: 4 }, result: 7, error: null },
    ])
    expect(
      requests[0]?.messages.map(({ role, content, tool_call_id }) => [role, content, tool_call_id]),
    ).toEqual([
      ['user', '1+2 and 3+4?', undefined],
      ['assistant', 'Let me see.', undefined],
      ['tool', '3', 'call_1'],
      ['tool', '7', 'call_2'],
    ])
  })

  test('runs three rounds of three parallel calls', async () => {
    let running = 0
    let most = 0
    const slow = defineTool({
      name: 'slow',
      description: '',
      parameters: z.object({ n: z.number() }),
      run: async ({ n }) => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setImmediate(resolve))
        running--
        return n
      },
    })
    const round = { toolCalls: [1, 2, 3].map((n) => ({ name: 'slow', arguments: { n } })) }
    const { app } = appWith([round, round, round, 'Done.'], { tools: [slow] })
    const result = await app.chat().send('go')
    expect(result).toMatchObject({ reply: 'Done.', steps: 4 })
    expect(result.toolCalls).toHaveLength(9)
    expect(most).toBe(3)
  })

  test('keeps the call order when a later call ends first, and loses nothing that has ended', async () => {
    const order: string[] = []
    let finishFirst: () => void = () => undefined
    const first = new Promise<void>((resolve) => (finishFirst = resolve))
    const tools = [
      defineTool({
        name: 'first',
        description: '',
        parameters: z.object({}),
        run: async () => (await first, order.push('first'), 1),
      }),
      defineTool({
        name: 'second',
        description: '',
        parameters: z.object({}),
        run: () => {
          order.push('second')
          finishFirst()
          return 2
        },
      }),
    ]
    const { app } = appWith(
      [
        {
          toolCalls: [
            { name: 'first', arguments: {} },
            { name: 'second', arguments: {} },
          ],
        },
        'ok',
      ],
      { tools },
    )
    const result = await app.chat().send('go')
    expect(order).toEqual(['second', 'first'])
    expect(result.messages.filter(({ role }) => role === 'tool').map(({ content }) => content)).toEqual([
      '1',
      '2',
    ])
  })

  test('stops at maxSteps by asking once more without tools', async () => {
    const requests: ModelRequest[] = []
    const again = (request: ModelRequest) => {
      requests.push(request)
      return request.tools.length > 0
        ? { toolCalls: [{ name: 'add', arguments: { a: 1, b: 1 } }] }
        : 'I had to stop.'
    }
    const { app } = appWith([again, again, again], { maxSteps: 2 })
    const result = await app.chat().send('go')
    expect(result).toMatchObject({ reply: 'I had to stop.', finishReason: 'maxSteps', steps: 3 })
    expect(requests.map(({ tools }) => tools.length)).toEqual([1, 1, 0])
  })

  test('never ends empty at its limit, even if the model goes on calling tools', async () => {
    const call = { toolCalls: [{ name: 'add', arguments: { a: 1, b: 1 } }] }
    const { app } = appWith([call, call], { maxSteps: 1 })
    const result = await app.chat().send('go')
    expect(result.reply).toMatch(/stopped at the limit/)
    expect(result.messages.at(-1)).toMatchObject({ role: 'assistant', content: result.reply })
    expect(result.messages.at(-1)).not.toHaveProperty('tool_calls')
    expect(result.toolCalls).toHaveLength(1)
  })

  test('sums the usage of its model calls; without any, it is null', async () => {
    const usage = { inputTokens: 10, outputTokens: 2, totalTokens: 12, cachedTokens: 4 }
    const { app } = appWith([
      { toolCalls: [{ name: 'add', arguments: { a: 1, b: 1 } }], usage },
      { text: 'Two.', usage },
    ])
    expect((await app.chat().send('1+1')).usage).toEqual({
      inputTokens: 20,
      outputTokens: 4,
      totalTokens: 24,
      cachedTokens: 8,
      calls: 2,
    })
  })
})

describe('a tool that fails is news for the model', () => {
  const cases: [name: string, call: { name: string; arguments: object | string }, code: string][] = [
    ['an unknown tool', { name: 'nope', arguments: {} }, 'UNKNOWN_TOOL'],
    ['arguments that do not fit', { name: 'add', arguments: { a: 'x' } }, 'INVALID_ARGUMENTS'],
    ['arguments that are no JSON', { name: 'add', arguments: '{"a":1,' }, 'INVALID_ARGUMENTS'],
    ['arguments that are no object', { name: 'add', arguments: '[1]' }, 'INVALID_ARGUMENTS'],
    ['a tool that throws', { name: 'boom', arguments: {} }, 'HANDLER_FAILED'],
  ]
  const boom = defineTool({
    name: 'boom',
    description: '',
    parameters: z.object({}),
    run: () => {
      throw new Error('No power.')
    },
  })
  test.each(cases)('%s', async (_name, call, code) => {
    const requests: ModelRequest[] = []
    const { app, types } = appWith(
      [
        { toolCalls: [call] },
        (request) => {
          requests.push(request)
          return 'I see.'
        },
      ],
      { tools: [add, boom] },
    )
    const result = await app.chat().send('go')
    expect(result.reply).toBe('I see.')
    expect(result.toolCalls[0]).toMatchObject({ result: null, error: { code } })
    expect(requests[0]?.messages.at(-1)).toMatchObject({
      role: 'tool',
      content: expect.stringContaining(code),
    })
    expect(types()).toContain('command tool.call')
  })

  test('a string without arguments calls a tool that has none', async () => {
    const ping = defineTool({ name: 'ping', description: '', parameters: z.object({}), run: () => 'pong' })
    const { app } = appWith([{ toolCalls: [{ name: 'ping', arguments: '' }] }, 'ok'], { tools: [ping] })
    expect((await app.chat().send('go')).toolCalls[0]).toMatchObject({
      arguments: {},
      result: 'pong',
      error: null,
    })
  })

  test.each(['length', 'content_filter', 'weird'])(
    'no tool runs from an answer that ended with %s',
    async (finishReason) => {
      let ran = 0
      const count = defineTool({ name: 'count', description: '', parameters: z.object({}), run: () => ++ran })
      const { app } = appWith([{ toolCalls: [{ name: 'count', arguments: {} }], finishReason }, 'ok'], {
        tools: [count],
      })
      const result = await app.chat().send('go')
      expect(ran).toBe(0)
      expect(result.toolCalls[0]?.error?.code).toBe('ANSWER_CUT')
      expect(result.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant'])
    },
  )
})

describe('ids of tool calls', () => {
  test("are the server's when non-empty and unique in the history, else nine characters of ours", async () => {
    const { app } = appWith([])
    const off = app.bus.session('s1')
    let asked = 0
    off.handle(CallModel, () => {
      const part = (id: string) => ({
        id,
        type: 'function' as const,
        function: { name: 'add', arguments: '{"a":1,"b":1}' },
      })
      const again = asked++ < 2
      return {
        message: again
          ? { role: 'assistant', content: null, tool_calls: [part('same'), part('same'), part('')] }
          : { role: 'assistant', content: 'done' },
        finishReason: again ? 'tool_calls' : 'stop',
        usage: null,
        model: null,
      }
    })
    const { toolCalls } = await app.chat('s1').send('go')
    const ids = toolCalls.map(({ id }) => id)
    expect(ids[0]).toBe('same')
    expect(new Set(ids).size).toBe(6)
    for (const id of ids.slice(1)) expect(id).toMatch(/^[A-Za-z0-9]{9}$/)
  })
})

describe('a session', () => {
  test('has one turn at a time, in the order in which they came', async () => {
    const first = held()
    const seen: string[][] = []
    const see = (request: ModelRequest) => {
      seen.push(request.messages.map(textOf))
      return 'b'
    }
    const { app } = appWith([first.step, see, see])
    const chat = app.chat('s1')
    const turns = [chat.send('1'), chat.send('2'), app.chat('s1').send('3')]
    await first.wasAsked
    first.release('a')
    await Promise.all(turns)
    expect(seen).toEqual([
      ['1', 'a', '2'],
      ['1', 'a', '2', 'b', '3'],
    ])
  })

  test('does not wait for the turns of another', async () => {
    const first = held()
    const { app } = appWith([first.step, 'quick'])
    const slow = app.chat('s1').send('slow')
    await first.wasAsked
    await expect(app.chat('s2').send('fast')).resolves.toMatchObject({ reply: 'quick' })
    first.release('late')
    await expect(slow).resolves.toMatchObject({ reply: 'late' })
  })

  test('may be opened and changed by others while a turn of it runs', async () => {
    const { app } = appWith([
      async () => {
        await app.bus.execute(OpenSession, { id: 's1' })
        await app.bus.session('s1').execute(UpdateSession, { name: 'renamed' })
        return { toolCalls: [{ name: 'add', arguments: { a: 1, b: 1 } }] }
      },
      'Two.',
      'Again.',
    ])
    await expect(app.chat('s1').send('1+1?')).resolves.toMatchObject({ reply: 'Two.' })
    await expect(app.chat('s1').send('And?')).resolves.toMatchObject({ reply: 'Again.' })
    expect((await app.bus.execute(OpenSession, { id: 's1' })).messages).toHaveLength(6)
  })

  test('raises its version once per turn', async () => {
    const { app } = appWith([{ toolCalls: [{ name: 'add', arguments: { a: 1, b: 1 } }] }, 'x', 'y'])
    const before = await app.bus.execute(OpenSession, { id: 's1' })
    await app.chat('s1').send('1')
    await app.chat('s1').send('2')
    expect((await app.bus.execute(OpenSession, { id: 's1' })).version).toBe(before.version + 2)
  })

  test('keeps its own model and prompt over the defaults of the engine', async () => {
    const requests: ModelRequest[] = []
    const see = (request: ModelRequest) => {
      requests.push(request)
      return 'ok'
    }
    const { app } = appWith([see, see], { model: 'default-model', systemPrompt: 'default prompt' })
    await app.bus.execute(OpenSession, { id: 'own', model: 'own-model', systemPrompt: 'own prompt' })
    await app.chat('own').send('hi')
    await app.chat('other').send('hi')
    expect(requests.map(({ model, messages }) => [model, messages[0]?.content])).toEqual([
      ['own-model', 'own prompt'],
      ['default-model', 'default prompt'],
    ])
  })

  test('is written to the journal whole only when it is opened', async () => {
    const { app, journal } = appWith(['first answer', 'second answer'])
    const chat = app.chat('s1')
    await chat.send('a memorable question')
    await chat.send('and another')
    expect(
      journal.records.filter(({ kind, type }) => kind === 'command' && type === 'session.open'),
    ).toHaveLength(1)
    const calls = journal.records.filter(({ kind, type }) => kind === 'command' && type === 'model.call')
    for (const call of calls) expect(JSON.stringify(call)).not.toContain('memorable')
  })
})

describe('a turn that fails', () => {
  test('rejects with the error of the model call, keeps what is complete, and the session goes on', async () => {
    const boom = new Error('no model')
    const { app, ends, journal } = appWith([
      { toolCalls: [{ name: 'add', arguments: { a: 1, b: 1 } }] },
      { error: boom },
      'fine',
    ])
    const chat = app.chat('s1')
    await expect(chat.send('1+1')).rejects.toBe(boom)
    const failed = journal.records.find(({ type }) => type === 'chat.turnFailed')
    expect(failed?.data).toMatchObject({
      error: { message: 'no model' },
      messages: [{ role: 'user' }, { role: 'assistant' }, { role: 'tool' }],
    })
    await expect(chat.send('again')).resolves.toMatchObject({ reply: 'fine' })
    await app.stop()
    expect(ends).toEqual(['chat.turnFailed', 'chat.turnFinished'])
  })

  test('without a session is refused with a remedy', async () => {
    const { app } = appWith(['x'])
    await expect(app.bus.execute(RunTurn, { text: 'hi' })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('bus.session'),
    })
  })

  test('says which participant is missing', async () => {
    const { app } = appWith([], { provider: () => undefined })
    await expect(app.chat().send('hi')).rejects.toMatchObject({
      code: 'NO_HANDLER',
      data: { type: 'model.call' },
    })
  })

  test('because the store fails still ends once', async () => {
    const { app, ends } = appWith(['x'])
    app.bus.use((message, next) => {
      if (message.type === CommitTurn.type) throw new Error('disk full')
      return next()
    })
    await expect(app.chat().send('hi')).rejects.toThrow('disk full')
    await app.stop()
    expect(ends).toEqual(['chat.turnFailed'])
  })
})

describe('cancelling a turn', () => {
  /** A model that says something and then hangs until it is told to stop. */
  function hangingApp() {
    const control = new AbortController()
    const { app, ends, journal } = appWith([], {
      provider: (bus) => {
        bus.handle(CallModel, async function hanging(_request, scope) {
          scope.publish(ModelTextReceived, { text: 'Once upon' })
          await new Promise((_resolve, reject) => {
            scope.signal.addEventListener('abort', () => reject(scope.signal.reason), { once: true })
            setImmediate(() => control.abort())
          })
          throw new Error('unreachable')
        })
      },
    })
    return { app, ends, journal, control }
  }

  test('rejects with CANCELLED, tells once, and leaves the session fit for the next turn', async () => {
    const { app, ends, control, journal } = hangingApp()
    await expect(app.chat('s1').send('go', { signal: control.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    })
    const result = journal.records.findLast(({ kind, type }) => kind === 'result' && type === 'chat.runTurn')
    expect(result?.status).toBe('cancelled')
    await app.stop()
    expect(ends).toEqual(['chat.turnCancelled'])
  })

  test('a timeout is a failed turn with TIMED_OUT', async () => {
    const { app, ends, journal } = hangingApp()
    await expect(app.chat('s1').send('go', { timeout: 20 })).rejects.toMatchObject({ code: 'TIMED_OUT' })
    await app.stop()
    expect(ends).toEqual(['chat.turnFailed'])
    expect(
      journal.records.findLast(({ kind, type }) => kind === 'result' && type === 'chat.runTurn')?.status,
    ).toBe('timeout')
  })

  test('gives every open call a result that says so', async () => {
    const control = new AbortController()
    const hang = defineTool({
      name: 'hang',
      description: '',
      parameters: z.object({}),
      run: () => {
        setImmediate(() => control.abort())
        return new Promise(() => undefined)
      },
    })
    const { app } = appWith(
      [
        {
          toolCalls: [
            { name: 'hang', arguments: {} },
            { name: 'add', arguments: { a: 1, b: 1 } },
          ],
        },
        'after',
      ],
      {
        tools: [hang, add],
      },
    )
    const chat = app.chat('s1')
    await expect(chat.send('go', { signal: control.signal })).rejects.toMatchObject({ code: 'CANCELLED' })
    const { messages } = await app.bus.execute(OpenSession, { id: 's1' })
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'tool'])
    expect(messages[2]?.content).toMatch(/Outcome unknown/)
    expect(messages[3]?.content).toBe('2')
  })

  test('while it waits for its turn, it leaves the queue and adds nothing', async () => {
    const first = held()
    const { app, ends } = appWith([first.step, 'third'])
    const chat = app.chat('s1')
    const control = new AbortController()
    const one = chat.send('1')
    await first.wasAsked
    const two = chat.send('2', { signal: control.signal })
    const three = chat.send('3')
    control.abort()
    await expect(two).rejects.toMatchObject({ code: 'CANCELLED' })
    first.release('a')
    await Promise.all([one, three])
    const { messages } = await app.bus.execute(OpenSession, { id: 's1' })
    expect(messages.map(({ content }) => content)).toEqual(['1', 'a', '3', 'third'])
    await app.stop()
    expect(ends.toSorted()).toEqual(['chat.turnCancelled', 'chat.turnFinished', 'chat.turnFinished'])
  })
})

describe('an interrupted turn', () => {
  test('is mended when the next one begins: open calls get a result, the turn is committed', async () => {
    const { app, journal } = appWith(['fine'])
    await app.bus.execute(OpenSession, { id: 's1' })
    const call = {
      id: 'c1',
      type: 'function' as const,
      function: { name: 'add', arguments: '{"a":1,"b":1}' },
    }
    await app.bus.session('s1').execute(AppendMessages, {
      version: (await app.bus.execute(OpenSession, { id: 's1' })).version,
      messages: [
        { role: 'user', content: 'old', turn: 'old-1' },
        { role: 'assistant', content: null, tool_calls: [call, { ...call, id: 'c2' }], turn: 'old-1' },
        { role: 'tool', tool_call_id: 'c1', content: '2', turn: 'old-1' },
      ],
    })
    await app.chat('s1').send('new')
    const { messages } = await app.bus.execute(OpenSession, { id: 's1' })
    expect(messages.map(({ role, turn, tool_call_id }) => [role, turn === 'old-1', tool_call_id])).toEqual([
      ['user', true, undefined],
      ['assistant', true, undefined],
      ['tool', true, 'c1'],
      ['tool', true, 'c2'],
      ['user', false, undefined],
      ['assistant', false, undefined],
    ])
    const commits = journal.records.filter(
      ({ kind, type }) => kind === 'command' && type === 'session.commit',
    )
    expect(commits.map(({ data }) => data)).toMatchObject([
      { turn: 'old-1', status: 'interrupted' },
      { status: 'ok' },
    ])
  })
})

describe('the engine talks in messages only', () => {
  test('so a handler on a session swaps the model, a tool, the context there and nowhere else', async () => {
    const { app } = appWith([{ toolCalls: [{ name: 'add', arguments: { a: 1, b: 1 } }] }, 'done'])
    app.bus.session('s1').handle(CallTool, () => 'a swapped result')
    const result = await app.chat('s1').send('go')
    expect(result.toolCalls[0]?.result).toBe('a swapped result')
  })

  test('and the journal has every one of them, start and end, with cause, root and turn', async () => {
    const { app, journal } = appWith([{ toolCalls: [{ name: 'add', arguments: { a: 1, b: 1 } }] }, 'Two.'])
    const { turn } = await app.chat('s1').send('1+1?')
    await app.stop()
    const records = journal.records.filter((record) => record.turn === turn)
    const commands = records.filter(({ kind }) => kind === 'command')
    expect(commands.map(({ type }) => type)).toEqual([
      'chat.runTurn',
      'session.open',
      'session.append',
      'tool.list',
      'context.read',
      'model.call',
      'session.append',
      'tool.call',
      'session.append',
      'tool.list',
      'context.read',
      'model.call',
      'session.append',
      'session.commit',
    ])
    for (const { id, type, cause, root, session } of commands) {
      expect(session).toBe('s1')
      expect(root).toBe(turn)
      expect(cause).toBe(type === 'chat.runTurn' ? undefined : turn)
      expect(records.filter(({ kind, of }) => kind === 'result' && of === id)).toHaveLength(1)
    }
  })
})

describe('createApp', () => {
  test('streams the text of one turn, then its result', async () => {
    const { app } = appWith(['Hello, world.'])
    const stream = app.chat().stream('hi')
    let text = ''
    for await (const piece of stream) text += piece
    expect(text).toBe('Hello, world.')
    await expect(stream.result).resolves.toMatchObject({ reply: 'Hello, world.' })
  })

  test("gives a stream only its own turn's text", async () => {
    const first = held()
    const { app } = appWith([first.step, 'second'])
    const chat = app.chat('s1')
    const [one, two] = [chat.stream('1'), chat.stream('2')]
    await first.wasAsked
    first.release('first')
    const texts = await Promise.all(
      [one, two].map(async (stream) => {
        const pieces: string[] = []
        for await (const piece of stream) pieces.push(piece)
        return pieces
      }),
    )
    expect(texts.map((pieces) => pieces.join(''))).toEqual(['first', 'second'])
  })

  test('throws in the loop what the turn failed with', async () => {
    const { app } = appWith([{ error: new Error('no model') }])
    const read = async () => {
      for await (const piece of app.chat().stream('hi')) expect(piece).toBe('never')
    }
    await expect(read()).rejects.toThrow('no model')
  })

  test('hands hidden context to tools and never records it', async () => {
    const reader = defineTool({
      name: 'who',
      description: '',
      parameters: z.object({}),
      run: (_input, scope) => (scope.context['user'] === 'ada-canary' ? 'known' : 'unknown'),
    })
    const { app, journal } = appWith([{ toolCalls: [{ name: 'who', arguments: {} }] }, 'ok'], {
      tools: [reader],
    })
    const { toolCalls } = await app.chat().send('who am I?', { context: { user: 'ada-canary' } })
    expect(toolCalls[0]?.result).toBe('known')
    expect(journal.lines.join('\n')).not.toContain('canary')
  })

  test('closes a chat so that the engine forgets it, and a later one finds the session whole', async () => {
    const { app } = appWith(['one', 'two'])
    const chat = app.chat('s1')
    await chat.send('1')
    await chat.close()
    await chat.close()
    await expect(chat.send('x')).rejects.toMatchObject({ code: 'SCOPE_DISPOSED' })
    await app.chat('s1').send('2')
    expect((await app.bus.execute(OpenSession, { id: 's1' })).messages).toHaveLength(4)
  })
})
