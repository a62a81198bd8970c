import type { ConversationMessage, ModelRequest } from 'busline'
import { expect, test } from 'vitest'
import { settle } from '../../src/messages/settled.ts'
import { profileFor, type ProfileChoice } from '../../src/providers/choose-profile.ts'
import { requestWriter } from '../../src/providers/wire-request.ts'
import { question } from './fixtures/ask.ts'

const parameters = { type: 'object', properties: {} }
const tools = [{ name: 'f', description: 'does', parameters }]

function bodyOf(
  request: Partial<ModelRequest>,
  { profile = 'generic', ...options }: { profile?: ProfileChoice; model?: string; stream?: boolean } = {},
): Record<string, unknown> {
  const write = requestWriter(profileFor('http://host.test', profile))
  return JSON.parse(String(write({ ...question, ...request }, { model: 'm', stream: false, ...options })))
}

test('a request with nothing chosen is model and messages', () => {
  expect(bodyOf({})).toEqual({ model: 'm', messages: [{ role: 'user', content: 'hello' }] })
})

test('a stream is asked for with its usage, but where that is refused', () => {
  expect(bodyOf({}, { stream: true })).toMatchObject({
    stream: true,
    stream_options: { include_usage: true },
  })
  expect(Object.keys(bodyOf({}, { stream: true, profile: 'mistral' }))).toEqual([
    'model',
    'stream',
    'messages',
  ])
})

test("the request's model goes before the provider's, and without either the error says where to name one", () => {
  expect(bodyOf({ model: 'asked' })['model']).toBe('asked')
  const write = requestWriter(profileFor(undefined))
  expect(() => write(question, { stream: true })).toThrow(
    expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringContaining('--model') }),
  )
})

test('every choice of sampling goes under its name on the wire, a temperature and a seed of 0 too', () => {
  const { messages, ...sent } = bodyOf({
    tools,
    temperature: 0,
    topP: 0.5,
    maxTokens: 5,
    seed: 0,
    stop: ['\n'],
    presencePenalty: -1,
    frequencyPenalty: 0.25,
    reasoningEffort: 'low',
    parallelToolCalls: false,
    extra: { service_tier: 'flex', logit_bias: { 1: -100 }, top_p: 0.9 },
  })
  expect(messages).toHaveLength(1)
  expect(sent).toEqual({
    model: 'm',
    temperature: 0,
    // What is in extra goes as it is, and has the last word.
    top_p: 0.9,
    max_tokens: 5,
    seed: 0,
    stop: ['\n'],
    presence_penalty: -1,
    frequency_penalty: 0.25,
    reasoning_effort: 'low',
    parallel_tool_calls: false,
    service_tier: 'flex',
    logit_bias: { 1: -100 },
    tools: [{ type: 'function', function: { name: 'f', description: 'does', parameters } }],
  })
})

test('tools in extra stand beside those on offer, and messages in it are refused', () => {
  const search = { type: 'web_search' }
  expect(bodyOf({ tools, extra: { tools: [search] } })['tools']).toEqual([
    expect.objectContaining({ type: 'function' }),
    search,
  ])
  expect(() => bodyOf({ extra: { messages: [] } })).toThrow(
    expect.objectContaining({ code: 'INVALID_REQUEST', data: { field: 'extra.messages' } }),
  )
})

test.each([
  ['openai', 'gpt-4o-mini', 'max_tokens'],
  ['openai', 'o4-mini', 'max_completion_tokens'],
  ['openai', 'gpt-5.2', 'max_completion_tokens'],
  ['azure', 'gpt-35-turbo', 'max_tokens'],
  ['azure', 'my-deployment', 'max_completion_tokens'],
  ['groq', 'llama-3.3-70b', 'max_completion_tokens'],
  ['xai', 'grok-4', 'max_completion_tokens'],
  ['mistral', 'mistral-large', 'max_tokens'],
])('%s takes the limit of %s as %s', (profile, model, field) => {
  const body = bodyOf({ model, maxTokens: 7 }, { profile })
  expect(Object.keys(body)).toEqual(['model', field, 'messages'])
  expect(body[field]).toBe(7)
})

test('what a server refuses is left out, and what it calls otherwise goes under its name', () => {
  const chosen = { tools, seed: 1, presencePenalty: 1, frequencyPenalty: 1, parallelToolCalls: true }
  expect(Object.keys(bodyOf(chosen, { profile: 'gemini' }))).toEqual(['model', 'messages', 'tools'])
  expect(bodyOf(chosen, { profile: 'mistral' })).toMatchObject({ random_seed: 1, parallel_tool_calls: true })
  expect(bodyOf(chosen, { profile: 'mistral' })).not.toHaveProperty('seed')
})

test('tools and the choice among them go in the form of the wire, and are left out where there are none', () => {
  expect(bodyOf({ tools, toolChoice: { name: 'f' } })).toMatchObject({
    tools: [{ type: 'function', function: { name: 'f', description: 'does', parameters } }],
    tool_choice: { type: 'function', function: { name: 'f' } },
  })
  expect(bodyOf({ tools, toolChoice: 'required' })['tool_choice']).toBe('required')
  expect(Object.keys(bodyOf({ toolChoice: 'none', parallelToolCalls: true }))).toEqual(['model', 'messages'])
})

test('a tool is named alike on offer, in the choice and in the history', () => {
  const [tool] = [{ name: 'math.add', description: '', parameters }]
  const call: ConversationMessage = {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'a', type: 'function', function: { name: 'math.add', arguments: '{}' } }],
  }
  const sent = JSON.stringify(
    bodyOf({ tools: [tool], toolChoice: { name: 'math.add' }, messages: [call] }),
  ).match(/math[^"]*/g)
  expect(sent).toHaveLength(3)
  expect(new Set(sent).size).toBe(1)
  expect(sent?.[0]).toMatch(/^math_add_[0-9a-z]{10}$/)
})

test('what is remembered of settled messages is what would be written anew', () => {
  const write = requestWriter(profileFor(undefined, 'deepseek'))
  const calls = [{ id: 'a', type: 'function' as const, function: { name: 'f', arguments: '{' } }]
  const messages: ConversationMessage[] = [
    { id: '1', role: 'user', content: 'é"\n' },
    { id: '2', role: 'assistant', content: null, reasoning_content: 'hm', tool_calls: calls },
    { id: '3', role: 'tool', tool_call_id: 'a', content: '3' },
    { id: '4', role: 'assistant', content: 'x', reasoning_content: 'so' },
  ]
  const request = { ...question, messages, tools }
  const fresh = write(request, { model: 'm', stream: true })
  const settled = { ...request, messages: messages.map(settle), tools: tools.map(settle) }
  expect(write(settled, { model: 'm', stream: true })).toEqual(fresh)
  expect(write(settled, { model: 'm', stream: true })).toEqual(fresh)
})

test('a message that may still change is written as it is each time', () => {
  const write = requestWriter(profileFor('http://host.test'))
  const message: ConversationMessage = { role: 'user', content: 'one' }
  expect(String(write({ ...question, messages: [message] }, { model: 'm', stream: false }))).toContain(
    '"one"',
  )
  message.content = 'two'
  expect(String(write({ ...question, messages: [message] }, { model: 'm', stream: false }))).toContain(
    '"two"',
  )
})
