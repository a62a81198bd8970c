import {
  BuslineError,
  CallModel,
  ModelAnswerSuperseded,
  outputSchema,
  ReadUsage,
  scriptedProvider,
  structuredOutput,
  usageMeter,
  type ModelRequest,
  type ScriptedStep,
} from 'busline'
import { testBus } from 'busline/testing'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const person = outputSchema(
  z.object({ name: z.string(), age: z.number().min(0), tags: z.array(z.string()).default([]) }),
)
const ADA = { name: 'Ada', age: 36, tags: [] }
const request = (over: Partial<ModelRequest> = {}): ModelRequest => ({
  model: 'm',
  messages: [{ role: 'user', content: 'Who?' }],
  tools: [],
  schema: person,
  ...over,
})

function scripted(...steps: ScriptedStep[]) {
  const { bus, journal } = testBus()
  const asked: ModelRequest[] = []
  bus.attach(structuredOutput())
  bus.attach(
    scriptedProvider(
      steps.map((step) => (sent) => {
        asked.push(sent)
        return typeof step === 'function' ? step(sent) : step
      }),
    ),
  )
  return { bus, journal, asked }
}

const failureOf = (work: Promise<unknown>) =>
  work.then(
    (value) => expect.unreachable(`it came to ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )
const usage = (tokens: number) => ({ inputTokens: tokens, outputTokens: tokens, totalTokens: 2 * tokens })

describe('structuredOutput', () => {
  test('sets the output of an answer that fits, with the schema’s defaults', async () => {
    const { bus, asked } = scripted('{"name":"Ada","age":36}')
    expect(await bus.execute(CallModel, request())).toMatchObject({ output: ADA })
    expect(asked).toHaveLength(1)
  })

  test('takes fences and words off, and leaves the JSON as the text', async () => {
    const { bus, asked } = scripted('Sure:\n```json\n{"name":"Ada","age":36}\n```\nMore?')
    const answer = await bus.execute(CallModel, request())
    expect(answer).toMatchObject({ output: ADA, message: { content: '{"name":"Ada","age":36}' } })
    expect(asked).toHaveLength(1)
  })

  test('has an answer mended once, by a call below that is shown it and each issue', async () => {
    const { bus, asked, journal } = scripted(
      { text: '{"name":"Ada","age":-1,"tags":[7]}', usage: usage(10) },
      { text: '{"name":"Ada","age":36}', usage: usage(99) },
    )
    const answer = await bus.execute(CallModel, request())

    expect(answer).toMatchObject({
      output: ADA,
      usage: usage(10),
      message: { content: '{"name":"Ada","age":36}' },
    })
    const [, said, complaint] = asked[1]?.messages ?? []
    expect(said).toEqual({ role: 'assistant', content: '{"name":"Ada","age":-1,"tags":[7]}' })
    expect(complaint?.content).toMatch(/- age: .*\n- tags\[0\]: /)
    const calls = journal.lines
      .map((line) => JSON.parse(line))
      .filter(({ type, kind }) => type === 'model.call' && kind === 'command')
    expect(calls[1]?.cause).toBe(calls[0]?.id)
    expect(calls).toHaveLength(2)
  })

  test('takes back what was heard of the first answer, before it asks again', async () => {
    const { bus } = scripted('no idea', '{"name":"Ada","age":36}')
    const heard: string[] = []
    bus.on('model.*', (data, { message }) => void heard.push(`${message.type} ${JSON.stringify(data)}`))
    await bus.execute(CallModel, request())
    await bus.stop()
    expect(heard.map((one) => one.replace(/"call":"[^"]+"/, '"call":"…"'))).toEqual([
      'model.textReceived {"text":"no idea"}',
      'model.answerSuperseded {"call":"…","text":"no idea"}',
      'model.textReceived {"text":"{\\"name\\":\\"Ada\\",\\"age\\":36}"}',
    ])
    expect(ModelAnswerSuperseded.type).toBe('model.answerSuperseded')
  })

  test('gives up after one repair, with a preview, the issues, the text, and its own usage', async () => {
    const long = `nothing ${'x'.repeat(600)}`
    const { bus, asked } = scripted({ text: 'no idea', usage: usage(10) }, { text: long, usage: usage(99) })
    const error = await failureOf(bus.execute(CallModel, request()))
    expect(error).toMatchObject({
      code: 'OUTPUT_INVALID',
      data: { preview: long.slice(0, 500), text: long, usage: usage(10) },
    })
    expect(error).toHaveProperty('data.issues.0.message', expect.stringContaining('not one JSON value'))
    expect(asked).toHaveLength(2)
  })

  test.each([
    ['cut', { text: '{"name":"Ad', finishReason: 'length' }, 'maxTokens'],
    ['filtered', { text: 'Ada is', finishReason: 'content_filter' }, 'refused'],
  ])('does not have an answer mended that was %s', async (_what, step, hint) => {
    const { bus, asked } = scripted(step)
    const error = await failureOf(bus.execute(CallModel, request()))
    expect(error).toMatchObject({
      code: 'OUTPUT_INVALID',
      data: { finishReason: step.finishReason, text: step.text },
    })
    expect(String(error)).toContain(hint)
    expect(asked).toHaveLength(1)
  })

  test('refuses a schema that can not be read before anything is sent', async () => {
    const { bus, asked } = scripted('{}')
    const unreadable = request({ schema: { name: 'output', schema: { type: 'wat' } } })
    expect(await failureOf(bus.execute(CallModel, unreadable))).toMatchObject({ code: 'INVALID_OPTION' })
    expect(asked).toHaveLength(0)
  })

  test('lets answers with tool calls, and requests without a schema, pass', async () => {
    const calls = { toolCalls: [{ name: 'look', arguments: {} }] }
    const { bus, asked } = scripted(calls, 'words')
    expect(await bus.execute(CallModel, request())).not.toHaveProperty('output')
    const { schema: _none, ...plain } = request()
    expect(await bus.execute(CallModel, plain)).toMatchObject({ message: { content: 'words' } })
    expect(asked).toHaveLength(2)
  })

  test('forbids tools in a repair, and says so when the model calls one all the same', async () => {
    const tools = [{ name: 'look', description: '', parameters: { type: 'object' } }]
    const { bus, asked } = scripted('no idea', { toolCalls: [{ name: 'look', arguments: {} }] })
    const error = await failureOf(bus.execute(CallModel, request({ tools })))
    expect(asked[1]).toMatchObject({ tools, toolChoice: 'none' })
    expect(error).toMatchObject({ code: 'OUTPUT_INVALID', data: { text: '', preview: 'no idea' } })
    expect(String(error)).toContain('called a tool')
  })

  test('keeps why a repair failed as the cause', async () => {
    const { bus } = scripted('no idea', { error: { code: 'RATE_LIMITED', message: 'Too many.' } })
    expect(await failureOf(bus.execute(CallModel, request()))).toMatchObject({
      code: 'OUTPUT_INVALID',
      cause: { code: 'RATE_LIMITED' },
    })
  })

  test('rejects with the reason when it is cancelled in a repair', async () => {
    const control = new AbortController()
    const { bus } = scripted('no idea', () => {
      control.abort()
      return new Promise(() => undefined)
    })
    const call = bus.execute(CallModel, request(), { signal: control.signal })
    expect(await failureOf(call)).toMatchObject({ code: 'CANCELLED' })
  })

  test('tells of a repair that broke off what was heard of it, not of the answer that was taken back', async () => {
    const { bus } = scripted('no idea', {
      text: '{"name":',
      error: { code: 'RATE_LIMITED', message: 'Slow' },
    })
    expect(await failureOf(bus.execute(CallModel, request()))).toMatchObject({
      code: 'OUTPUT_INVALID',
      data: { text: '{"name":', preview: '{"name":' },
    })
    const silent = scripted('no idea', { error: { code: 'RATE_LIMITED', message: 'Slow' } })
    expect(await failureOf(silent.bus.execute(CallModel, request()))).toMatchObject({
      data: { text: '', preview: 'no idea' },
    })
  })

  test('and so it does of a repair that was cancelled', async () => {
    const { bus } = testBus()
    const control = new AbortController()
    bus.attach(structuredOutput())
    let calls = 0
    bus.handle(CallModel, async ({ model }, scope) => {
      if (++calls === 1)
        return {
          message: { role: 'assistant', content: 'no idea' },
          finishReason: 'stop',
          usage: null,
          model,
        }
      expect(scope.signal.aborted).toBe(false)
      control.abort()
      throw new BuslineError('CANCELLED', 'It was cancelled.', { data: { text: '{"name":' } })
    })
    const call = bus.execute(CallModel, request(), { signal: control.signal })
    expect(await failureOf(call)).toMatchObject({ code: 'CANCELLED', data: { text: '{"name":' } })
  })

  test('mends two calls at a time, each by itself', async () => {
    const { bus, asked } = scripted('no', 'no', '{"name":"Ada","age":36}', '{"name":"Ada","age":36}')
    const answers = await Promise.all([bus.execute(CallModel, request()), bus.execute(CallModel, request())])
    expect(answers.map(({ output }) => output)).toEqual([ADA, ADA])
    expect(asked).toHaveLength(4)
  })

  test.each(['outside', 'inside'])(
    'with the meter %s of it, each call is counted once, also when all fails',
    async (where) => {
      const { bus } = testBus()
      const participants = [structuredOutput(), usageMeter({ model: 'gpt-4o-mini' })]
      for (const participant of where === 'inside' ? participants : participants.toReversed())
        bus.attach(participant)
      const answers = ['no', '{"name":"Ada","age":36}', 'no', 'no']
      bus.attach(scriptedProvider(answers.map((text) => ({ text, usage: usage(10) }))))
      using session = bus.session('s')
      const cost = (10 * 0.15 + 10 * 0.6) / 1e6

      expect(await session.execute(CallModel, request({ model: 'gpt-4o-mini' }))).toMatchObject({
        output: ADA,
        cost,
      })
      expect(await session.execute(ReadUsage, {})).toMatchObject({
        usage: { totalTokens: 40, calls: 2 },
        cost: 2 * cost,
      })
      await failureOf(session.execute(CallModel, request({ model: 'gpt-4o-mini' })))
      expect(await session.execute(ReadUsage, {})).toMatchObject({
        usage: { totalTokens: 80, calls: 4 },
        cost: 4 * cost,
      })
    },
  )
})
