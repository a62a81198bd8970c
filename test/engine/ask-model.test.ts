import {
  CallModel,
  defineCommand,
  defineTool,
  ListTools,
  OpenSession,
  outputSchema,
  READ_TOOL_RESULT,
  RunTurn,
  structuredOutput,
  textOf,
  UpdateSession,
  type ModelRequest,
  type ScriptedStep,
} from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { engineWorld } from './fixtures/engine-world.ts'

/** The text that the model was shown last. */
function lastIn(requests: readonly ModelRequest[]): string {
  const last = requests[0]?.messages.at(-1)
  return last ? textOf(last) : ''
}

const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 }

describe('an empty answer', () => {
  test('is asked for again once, and counted', async () => {
    const { bus } = engineWorld([
      { text: '', usage },
      { text: 'Here.', usage },
    ])
    const result = await bus.session('s1').execute(RunTurn, { text: 'Hi' })
    expect(result).toMatchObject({ reply: 'Here.', steps: 2, usage: { calls: 2 } })
    expect(result.warnings).toBeUndefined()
    expect(result.messages).toHaveLength(2)
  })

  test('twice is told in words of ours, with a warning', async () => {
    const { bus } = engineWorld(['', ''])
    const result = await bus.session('s1').execute(RunTurn, { text: 'Hi' })
    expect(result).toMatchObject({
      reply: 'The model gave an empty answer.',
      warnings: [{ code: 'EMPTY_ANSWER' }],
      messages: [{ content: 'Hi' }, { content: 'The model gave an empty answer.' }],
    })
  })

  test.each([
    ['length', 'cut by the token limit'],
    ['content_filter', 'content filter'],
  ])('that ended with %s is not asked for again', async (finishReason, words) => {
    const { bus } = engineWorld([{ text: '', finishReason }])
    const result = await bus.session('s1').execute(RunTurn, { text: 'Hi' })
    expect(result).toMatchObject({ reply: expect.stringContaining(words), finishReason, steps: 1 })
  })

  test('followed by one that calls tools goes on as any', async () => {
    const tool = defineTool({ name: 'look', description: '', parameters: z.object({}), run: () => 'seen' })
    const { bus } = engineWorld(['', { toolCalls: [{ name: 'look', arguments: {} }] }, 'Seen.'], {
      tools: [tool],
    })
    expect((await bus.session('s1').execute(RunTurn, { text: 'Hi' })).reply).toBe('Seen.')
  })

  test("is none where the model says why it won't answer", async () => {
    const { bus } = engineWorld((on) => {
      on.handle(CallModel, ({ model }) => ({
        message: { role: 'assistant', content: null, refusal: "I can't help with that." },
        finishReason: 'stop',
        usage: null,
        model,
      }))
    })
    const result = await bus.session('s1').execute(RunTurn, { text: 'Hi' })
    expect(result).toMatchObject({ reply: "I can't help with that.", steps: 1 })
  })
})

describe('what a turn asks for', () => {
  const asked = async (
    options: Parameters<typeof engineWorld>[1],
    input: Partial<z.input<typeof RunTurn.input>>,
  ) => {
    const requests: ModelRequest[] = []
    const step: ScriptedStep = (request) => (requests.push(request), 'ok')
    const world = engineWorld([step], options)
    const result = await world.bus.session('s1').execute(RunTurn, { text: 'Hi', ...input })
    return { request: requests[0], result, world }
  }

  test("the engine's sampling, and the turn's own over it, reach the model; 0 is kept", async () => {
    const { request } = await asked(
      { sampling: { temperature: 1, seed: 7 } },
      { sampling: { temperature: 0, stop: ['END'] } },
    )
    expect(request).toMatchObject({ temperature: 0, seed: 7, stop: ['END'] })
  })

  test("its model over the session's, that over the engine's", async () => {
    expect((await asked({ model: 'engine' }, {})).request?.model).toBe('engine')
    const { request } = await asked({ model: 'engine' }, { model: 'turn' })
    expect(request?.model).toBe('turn')
    const world = engineWorld([({ model }) => `I am ${model}`], { model: 'engine' })
    await world.bus.execute(OpenSession, { id: 's1' })
    await world.bus.session('s1').execute(UpdateSession, { model: 'session' })
    expect((await world.bus.session('s1').execute(RunTurn, { text: 'Hi' })).reply).toBe('I am session')
  })

  test('attachments go behind the text as parts of the message', async () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }
    const { request } = await asked({}, { attachments: [image] })
    expect(request?.messages.at(-1)?.content).toEqual([{ type: 'text', text: 'Hi' }, image])
    const alone = await asked({}, { text: '', attachments: [image] })
    expect(alone.request?.messages.at(-1)?.content).toEqual([image])
  })

  test('a text of nothing is refused, and nothing is added', async () => {
    const world = engineWorld(['never'])
    await expect(world.bus.session('s1').execute(RunTurn, { text: '' })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    })
    expect((await world.bus.execute(OpenSession, { id: 's1' })).messages).toEqual([])
    expect(world.ends).toEqual(['chat.turnFailed'])
  })

  test('a schema: the reply is parsed, repaired once, and the repair is counted', async () => {
    const schema = outputSchema(z.object({ n: z.number() }))
    const { bus } = engineWorld(
      [
        { text: 'no json', usage },
        { text: '{"n": 4}', usage },
      ],
      { also: [structuredOutput()] },
    )
    const result = await bus.session('s1').execute(RunTurn, { text: 'Hi', schema })
    expect(result).toMatchObject({ output: { n: 4 }, reply: '{"n": 4}', usage: { calls: 2, totalTokens: 4 } })
  })

  test('a schema that nobody looks after fails the turn with the remedy', async () => {
    const schema = outputSchema(z.object({ n: z.number() }))
    const { bus } = engineWorld(['{"n": 4}'])
    await expect(bus.session('s1').execute(RunTurn, { text: 'Hi', schema })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('structuredOutput()'),
    })
  })
})

describe('messages tell what their step took', () => {
  test('usage, cost, model and finish reason', async () => {
    const { bus } = engineWorld((on) => {
      on.handle(CallModel, () => ({
        message: { role: 'assistant', content: 'Hello.' },
        finishReason: 'stop',
        usage,
        model: 'm-1',
        cost: 0.25,
      }))
    })
    const result = await bus.session('s1').execute(RunTurn, { text: 'Hi' })
    expect(result.messages[1]?.meta).toEqual({
      model: 'm-1',
      finishReason: 'stop',
      usage: { ...usage, calls: 1 },
      cost: 0.25,
    })
    expect(result).toMatchObject({ cost: 0.25, model: 'm-1' })
  })

  test('a turn whose price is unknown in part has an unknown price', async () => {
    let calls = 0
    const { bus } = engineWorld(
      (on) => {
        on.handle(CallModel, ({ model }) => ({
          message:
            ++calls === 1
              ? {
                  role: 'assistant',
                  content: null,
                  tool_calls: [{ id: 'c', type: 'function', function: { name: 'x', arguments: '{}' } }],
                }
              : { role: 'assistant', content: 'ok' },
          finishReason: calls === 1 ? 'tool_calls' : 'stop',
          usage,
          model,
          cost: calls === 1 ? null : 1,
        }))
      },
      { tools: [defineTool({ name: 'x', description: '', parameters: z.object({}), run: () => 1 })] },
    )
    expect((await bus.session('s1').execute(RunTurn, { text: 'Hi' })).cost).toBeNull()
  })
})

describe('a long result', () => {
  const long = 'x'.repeat(50_000)
  const tool = (name: string, run: () => unknown) =>
    defineTool({ name, description: '', parameters: z.object({}), run })

  test('is cut for the model, whole for the program, and says so', async () => {
    const requests: ModelRequest[] = []
    const { bus } = engineWorld(
      [{ toolCalls: [{ name: 'dump', arguments: {} }] }, (request) => (requests.push(request), 'Long.')],
      { tools: [tool('dump', () => long)], maxResultLength: 1000 },
    )
    const { toolCalls } = await bus.session('s1').execute(RunTurn, { text: 'go' })
    expect(toolCalls[0]?.result).toBe(long)
    const shown = lastIn(requests)
    expect(shown.startsWith('x'.repeat(1000))).toBe(true)
    expect(shown).toContain('[Cut: characters 0 to 1000 of 50000.')
    expect(shown.length).toBeLessThan(1300)
  })

  test('names the tool to read on where there is one', async () => {
    const requests: ModelRequest[] = []
    const { bus } = engineWorld(
      [{ toolCalls: [{ name: 'dump', arguments: {} }] }, (request) => (requests.push(request), 'Long.')],
      { tools: [tool('dump', () => long)], maxResultLength: 1000 },
    )
    const session = bus.session('s1')
    const offered = { name: READ_TOOL_RESULT, description: '', parameters: { type: 'object' } }
    session.handle(ListTools, () => [offered])
    await session.execute(RunTurn, { text: 'go' })
    expect(lastIn(requests)).toContain('read_tool_result({"handle":"call_1","offset":1000})')
  })

  test('is never cut within a character', async () => {
    const requests: ModelRequest[] = []
    const { bus } = engineWorld(
      [{ toolCalls: [{ name: 'dump', arguments: {} }] }, (request) => (requests.push(request), 'ok')],
      { tools: [tool('dump', () => `a${'😀'.repeat(600)}`)], maxResultLength: 100 },
    )
    await bus.session('s1').execute(RunTurn, { text: 'go' })
    expect(lastIn(requests)).toMatch(/^a(?:😀)+\n\[Cut: characters 0 to 99 of 1201\./u)
  })
})

describe('arguments that a journal could not hold', () => {
  test('stay the text that they came as, and the turn ends as any', async () => {
    const tool = defineTool({ name: 'look', description: '', parameters: z.object({}), run: () => 'seen' })
    const { bus, ends } = engineWorld(
      [{ toolCalls: [{ name: 'look', arguments: '{"x":1e999}' }] }, 'Done.'],
      {
        tools: [tool],
      },
    )
    const { toolCalls } = await bus.session('s1').execute(RunTurn, { text: 'go' })
    expect(toolCalls).toMatchObject([{ arguments: '{"x":1e999}', error: { code: 'INVALID_ARGUMENTS' } }])
    expect(ends).toEqual(['chat.turnFinished'])
  })
})

test('an answer that broke off very late leaves no more of it in the history than can be sent again', async () => {
  const error = { code: 'ANSWER_CUT' as const, message: 'cut' }
  const { bus, of } = engineWorld([{ text: 'x'.repeat(500_000), error }], { retry: { attempts: 1 } })
  await expect(bus.session('s1').execute(RunTurn, { text: 'go' })).rejects.toMatchObject({
    code: 'ANSWER_CUT',
  })
  const { messages } = await bus.execute(OpenSession, { id: 's1' })
  expect(textOf(messages.at(-1) ?? { role: 'user' }).length).toBe(100_001)
  expect(of('chat.turnFailed')).toHaveLength(1)
})

test("a failure in a tool's own commands is news for the model", async () => {
  const nobody = defineCommand('test.nobody', { input: z.object({}), output: z.null() })
  const tool = defineTool({
    name: 'asks',
    description: '',
    parameters: z.object({}),
    run: (_input, scope) => scope.execute(nobody, {}),
  })
  const { bus } = engineWorld([{ toolCalls: [{ name: 'asks', arguments: {} }] }, 'I see.'], { tools: [tool] })
  expect(await bus.session('s1').execute(RunTurn, { text: 'go' })).toMatchObject({
    reply: 'I see.',
    toolCalls: [{ error: { code: 'NO_HANDLER' } }],
  })
})

test('what is wished for of a server, and may hold a key, is not kept in the session', async () => {
  const { bus } = engineWorld(['ok'])
  const sampling = { temperature: 0, extra: { api_key: 'sk-verysecret123' } }
  const { messages } = await bus.session('s1').execute(RunTurn, { text: 'Hi', sampling })
  expect(messages[0]?.meta).toEqual({ wishes: { sampling: { temperature: 0 } } })
})
