import {
  CallModel,
  MessageBus,
  modelRouter,
  openaiProvider,
  scriptedProvider,
  type Participant,
} from 'busline'
import { expect, test } from 'vitest'
import { question } from './fixtures/ask.ts'
import { chatServer, says, sendJson } from './fixtures/chat-server.ts'

function naming(name: string): Participant {
  return scriptedProvider(Array.from({ length: 9 }, () => name))
}

async function replyOf(bus: MessageBus, model: string | null): Promise<unknown> {
  return (await bus.execute(CallModel, { ...question, model })).message.content
}

test('a request goes to the first provider whose pattern fits its model, from its beginning to its end', async () => {
  await using bus = new MessageBus()
  bus.attach(
    modelRouter({
      'claude-*': naming('anthropic'),
      'gpt-4.1': naming('exact'),
      '*/*': naming('router'),
      'gpt-*': naming('openai'),
    }),
  )
  expect(await replyOf(bus, 'claude-opus-4')).toBe('anthropic')
  expect(await replyOf(bus, 'gpt-4.1')).toBe('exact')
  // The dot is no wildcard.
  expect(await replyOf(bus, 'gpt-4x1')).toBe('openai')
  expect(await replyOf(bus, 'meta/claude-x')).toBe('router')
})

test('a model that nothing fits is refused with the patterns, and one without a name unless there is a default', async () => {
  await using bus = new MessageBus()
  const off = bus.attach(modelRouter({ 'gpt-*': naming('openai') }))
  await expect(replyOf(bus, 'my-gpt-4')).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringContaining('"gpt-*"'),
    data: { model: 'my-gpt-4', patterns: ['gpt-*'] },
  })
  await expect(replyOf(bus, null)).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringContaining('defaultModel'),
  })
  off()
  bus.attach(modelRouter({ 'gpt-*': naming('openai') }, { defaultModel: 'gpt-5' }))
  expect(await replyOf(bus, null)).toBe('openai')
})

test('the chosen model reaches the server, each of the two with its own key', async () => {
  await using one = await chatServer((response) => sendJson(response, 200, says('one')))
  await using other = await chatServer((response) => sendJson(response, 200, says('other')))
  await using bus = new MessageBus()
  bus.attach(
    modelRouter({
      'a-*': openaiProvider({ baseURL: one.url, apiKey: 'key-of-one' }),
      '*': openaiProvider({ baseURL: other.url, apiKey: 'key-of-other' }),
    }),
  )
  expect([await replyOf(bus, 'a-1'), await replyOf(bus, 'b-1')]).toEqual(['one', 'other'])
  expect(
    [one, other].map(({ requests }) =>
      requests.map(({ body, headers }) => [body['model'], headers.authorization]),
    ),
  ).toEqual([[['a-1', 'Bearer key-of-one']], [['b-1', 'Bearer key-of-other']]])
})

test('detaching runs the cleanup of each provider, the last first, and frees the handler', async () => {
  await using bus = new MessageBus()
  const ended: string[] = []
  const ending =
    (name: string): Participant =>
    (inner) => {
      void naming(name)(inner)
      return () => void ended.push(name)
    }
  const off = bus.attach(modelRouter({ a: ending('a'), b: ending('b') }))
  expect(await replyOf(bus, 'a')).toBe('a')
  off()
  await expect(replyOf(bus, 'a')).rejects.toMatchObject({ code: 'NO_HANDLER' })
  expect(ended).toEqual(['b', 'a'])
})

test('a participant that handles no model call is refused, and those before it are cleaned up', async () => {
  await using bus = new MessageBus()
  const ended: string[] = []
  const ending: Participant = (inner) => {
    void naming('a')(inner)
    return () => void ended.push('a')
  }
  bus.attach(modelRouter({ a: ending, b: () => undefined }))
  await expect(replyOf(bus, 'a')).rejects.toThrow()
  expect(ended).toEqual(['a'])
})

test('a router without providers is refused', () => {
  expect(() => modelRouter({})).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})
