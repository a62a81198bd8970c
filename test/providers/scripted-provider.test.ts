import {
  BuslineError,
  CallModel,
  MessageBus,
  ModelReasoningReceived,
  ModelTextReceived,
  type ModelAnswer,
} from 'busline'
import { expect, test } from 'vitest'
import { scriptedProvider, type ScriptedStep } from '../../src/providers/scripted-provider.ts'
import { question } from './fixtures/ask.ts'

function scriptedBus(...steps: ScriptedStep[]): {
  bus: MessageBus
  texts: string[]
  call: () => Promise<ModelAnswer>
} {
  const bus = new MessageBus()
  const texts: string[] = []
  bus.attach(scriptedProvider(steps))
  bus.on(ModelTextReceived, ({ text }) => void texts.push(text))
  return { bus, texts, call: () => bus.execute(CallModel, { ...question, model: 'm' }) }
}

test('the steps are played in order, and their text is published', async () => {
  const { bus, texts, call } = scriptedBus('one', { text: 'two', finishReason: 'length' })
  expect(await call()).toEqual({
    message: { role: 'assistant', content: 'one' },
    finishReason: 'stop',
    usage: null,
    model: 'm',
  })
  expect(await call()).toMatchObject({ message: { content: 'two' }, finishReason: 'length' })
  await bus.stop()
  expect(texts).toEqual(['one', 'two'])
})

test('calls have the ids call_1, call_2, … over the whole script, and arguments as a string', async () => {
  const { call } = scriptedBus(
    {
      toolCalls: [
        { name: 'f', arguments: { x: 1 } },
        { name: 'g', arguments: '{"broken' },
      ],
    },
    { text: 'and', toolCalls: [{ name: 'f', arguments: {} }], finishReason: null },
  )
  expect(await call()).toMatchObject({
    message: {
      content: null,
      tool_calls: [
        { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
        { id: 'call_2', function: { name: 'g', arguments: '{"broken' } },
      ],
    },
    finishReason: 'tool_calls',
  })
  expect(await call()).toMatchObject({ message: { tool_calls: [{ id: 'call_3' }] }, finishReason: null })
})

test('usage is told as it stands in the script', async () => {
  const usage = { inputTokens: 1, outputTokens: 2, totalTokens: 3 }
  expect((await scriptedBus({ text: 'x', usage }).call()).usage).toEqual(usage)
})

test('reasoning is published before the text, and stays with the message', async () => {
  const { bus, call } = scriptedBus({ reasoning: 'hm', text: 'x' })
  const heard: unknown[] = []
  bus.on([ModelReasoningReceived, ModelTextReceived], ({ text }) => void heard.push(text))
  expect((await call()).message).toEqual({ role: 'assistant', content: 'x', reasoning: 'hm' })
  await bus.stop()
  expect(heard).toEqual(['hm', 'x'])
})

test('a request for JSON reaches the step with its schema', async () => {
  const bus = new MessageBus()
  bus.attach(scriptedProvider([({ schema }) => JSON.stringify(schema?.schema)]))
  const answer = await bus.execute(CallModel, { ...question, schema: { schema: { type: 'object' } } })
  expect(answer.message.content).toBe('{"type":"object"}')
})

test('a function gets the request and gives the step, at once or later', async () => {
  const { call } = scriptedBus(
    (request) => `${request.model} was asked ${request.messages.length} message`,
    () => Promise.resolve({ text: 'later' }),
  )
  expect((await call()).message.content).toBe('m was asked 1 message')
  expect((await call()).message.content).toBe('later')
})

test('an error rejects, after the text of its step', async () => {
  const own = new BuslineError('RATE_LIMITED', 'slow', { data: { status: 429 } })
  const { bus, texts, call } = scriptedBus(
    { error: own },
    { text: 'half', error: { code: 'ANSWER_CUT', message: 'cut' } },
    () => Promise.reject(own),
    'still there',
  )
  await expect(call()).rejects.toBe(own)
  await expect(call()).rejects.toMatchObject({ code: 'ANSWER_CUT', message: 'cut', data: { text: 'half' } })
  await expect(call()).rejects.toBe(own)
  expect((await call()).message.content).toBe('still there')
  await bus.stop()
  expect(texts).toEqual(['half', 'still there'])
})

test('a script that has run out says how many steps it had', async () => {
  const { call } = scriptedBus('only')
  await call()
  await expect(call()).rejects.toMatchObject({
    code: 'PROVIDER_FAILED',
    message: expect.stringContaining('it has 1 step,'),
    data: { steps: 1 },
  })
})

test('a cancel ends a step that would wait forever', async () => {
  const bus = new MessageBus()
  const controller = new AbortController()
  bus.attach(
    scriptedProvider([
      () => {
        setImmediate(() => controller.abort())
        return new Promise<string>(() => undefined)
      },
    ]),
  )
  await expect(bus.execute(CallModel, question, { signal: controller.signal })).rejects.toMatchObject({
    code: 'CANCELLED',
  })
})

test('each bus plays the script from its beginning', async () => {
  const provider = scriptedProvider(['one'])
  for (const bus of [new MessageBus(), new MessageBus()]) {
    bus.attach(provider)
    expect((await bus.execute(CallModel, question)).message.content).toBe('one')
  }
})
