import { openaiProvider, type ConversationMessage } from 'busline'
import { expect, test } from 'vitest'
import { profileFor } from '../../src/providers/choose-profile.ts'
import { PROFILES } from '../../src/providers/profiles.ts'
import { wireMessage } from '../../src/providers/wire-message.ts'

test.each([
  [undefined, 'openai'],
  ['https://api.openai.com/v1', 'openai'],
  ['https://eu.api.openai.com/v1', 'openai'],
  ['https://ada.openai.azure.com/openai/deployments/d', 'azure'],
  ['https://ada.services.ai.azure.com/models', 'azure'],
  ['https://generativelanguage.googleapis.com/v1beta/openai/', 'gemini'],
  ['https://api.groq.com/openai/v1', 'groq'],
  ['https://api.deepseek.com', 'deepseek'],
  ['https://api.mistral.ai/v1', 'mistral'],
  ['https://api.x.ai/v1', 'xai'],
  ['https://openrouter.ai/api/v1', 'openrouter'],
  ['https://api.together.xyz/v1', 'together'],
  ['http://localhost:11434/v1', 'ollama'],
  ['http://[::1]:11434/v1', 'ollama'],
  ['http://127.0.0.1:1234/v1', 'lmstudio'],
  ['http://localhost:8000/v1', 'generic'],
  ['http://localhost:8080/v1', 'generic'],
  ['https://models.test:11434/v1', 'generic'],
  ['https://api.openai.com.evil.test/v1', 'generic'],
  ['https://notapi.x.ai.test/v1', 'generic'],
  ['no url', 'generic'],
])('the profile of %s is %s', (baseURL, name) => {
  expect(profileFor(baseURL).name).toBe(name)
})

test('all thirteen servers have one, each with a name of its own, and each is found by it', () => {
  const names = PROFILES.map(({ name }) => name)
  expect(names).toEqual([
    'openai',
    'azure',
    'gemini',
    'groq',
    'deepseek',
    'mistral',
    'xai',
    'openrouter',
    'together',
    'ollama',
    'vllm',
    'llama.cpp',
    'lmstudio',
    'generic',
  ])
  for (const name of names) expect(profileFor('https://api.groq.com/openai/v1', name).name).toBe(name)
})

test('a part of a profile can be changed, of the one that fits or of the one that is named', () => {
  expect(profileFor('https://api.groq.com/openai/v1', { output: 'schema' })).toEqual({
    ...profileFor('https://api.groq.com/openai/v1'),
    output: 'schema',
  })
  expect(profileFor('http://localhost:8000/v1', { name: 'vllm', thinkTags: false })).toEqual({
    ...profileFor(undefined, 'vllm'),
    thinkTags: false,
  })
  const own = { ...profileFor('http://localhost:8000/v1'), name: 'mine' }
  expect(profileFor('https://api.groq.com/openai/v1', own)).toEqual(own)
  expect(() => profileFor(undefined, { name: 'mine' })).toThrow(/knows no profile "mine"/)
})

test('what is no profile or no key is refused when it is given', () => {
  // As from JavaScript, where nobody checks.
  const given: [string, string][] = [
    ['profile', '{"profile":7}'],
    ['profile', '{"profile":["openai"]}'],
    ['apiKey', '{"apiKey":7}'],
  ]
  for (const [option, json] of given) {
    expect(() => openaiProvider(JSON.parse(json)), json).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', data: { option } }),
    )
  }
})

test('a name that nobody knows is refused with those that are known', () => {
  expect(() => profileFor(undefined, 'olama')).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('ollama') }),
  )
})

const thought: ConversationMessage = {
  role: 'assistant',
  content: 'x',
  reasoning: 'a',
  reasoning_content: 'b',
  reasoning_details: [],
  thinking: 'c',
}
const call: ConversationMessage = {
  role: 'assistant',
  content: null,
  tool_calls: [{ id: 'call_1', type: 'function', function: { name: '1.f', arguments: '{}' } }],
}

test.each(PROFILES)('$name is sent reasoning only under names that it knows', (profile) => {
  const { role: _role, content, ...fields } = wireMessage(thought, profile, true)
  const { fields: known } = profile.reasoning
  expect(new Set(Object.keys(fields))).toEqual(new Set(known.filter((field) => field !== 'thinking')))
  expect(Array.isArray(content)).toBe(known.includes('thinking'))
  expect(wireMessage(thought, profile, false)).toEqual({ role: 'assistant', content: 'x' })
})

test.each(PROFILES)('$name is sent no name, id, role or part that it would refuse', (profile) => {
  const sent = JSON.stringify(wireMessage(call, profile, false))
  const [, id, name] = /"id":"([^"]*)".*"name":"([^"]*)"/.exec(sent) ?? []
  expect(name).toMatch(profile.names.legal)
  expect(id).toMatch(profile.callIdLength === undefined ? /^call_1$/ : /^[A-Za-z0-9]{9}$/)

  const result: ConversationMessage = {
    role: 'tool',
    tool_call_id: 'call_1',
    content: [{ type: 'text', text: '1' }],
  }
  const { content, tool_call_id } = wireMessage(result, profile, false)
  expect(tool_call_id).toBe(id)
  expect(content).toEqual(profile.toolParts ? result.content : '1')
  expect(wireMessage({ role: 'developer', content: 'p' }, profile, false)['role']).toBe(
    profile.developerRole ? 'developer' : 'system',
  )
})

test('DeepSeek is sent reasoning with every call, empty where a call has none', () => {
  expect(wireMessage(call, profileFor(undefined, 'deepseek'), true)['reasoning_content']).toBe('')
  expect(wireMessage(call, profileFor(undefined, 'deepseek'), false)).not.toHaveProperty('reasoning_content')
})

test('Mistral is sent nothing in a message that it does not know', () => {
  const message: ConversationMessage = {
    role: 'assistant',
    content: 'x',
    refusal: null,
    annotations: [],
    tool_calls: [
      { id: 'a1B2c3D4e', type: 'function', function: { name: 'f', arguments: '{}' }, extra_content: {} },
    ],
  }
  expect(wireMessage(message, profileFor(undefined, 'mistral'), false)).toEqual({
    role: 'assistant',
    content: 'x',
    tool_calls: [{ id: 'a1B2c3D4e', type: 'function', function: { name: 'f', arguments: '{}' } }],
  })
  expect(wireMessage(message, profileFor(undefined, 'generic'), false)).toEqual(message)
})

test('Groq is sent no names of speakers', () => {
  const named: ConversationMessage = { role: 'user', name: 'ada', content: 'hi' }
  expect(wireMessage(named, profileFor(undefined, 'groq'), false)).toEqual({ role: 'user', content: 'hi' })
  expect(wireMessage(named, profileFor(undefined), false)).toEqual(named)
})

test("what Gemini's calls and OpenAI's answers hold goes only where it is known", () => {
  const message: ConversationMessage = {
    role: 'assistant',
    content: 'x',
    refusal: 'no',
    annotations: [],
    reasoning: 'r',
    tool_calls: [
      { id: 'a1B2c3D4e', type: 'function', function: { name: 'f', arguments: '{}' }, extra_content: {} },
    ],
  }
  const sent = (name: string): string =>
    JSON.stringify(wireMessage(message, profileFor(undefined, name), true))
  const those = (field: string): string[] =>
    PROFILES.map(({ name }) => name).filter((name) => sent(name).includes(`"${field}"`))
  expect(those('extra_content')).toEqual(['gemini', 'openrouter', 'generic'])
  for (const name of ['groq', 'deepseek', 'xai', 'mistral', 'gemini']) {
    expect(sent(name)).not.toMatch(/"(?:refusal|annotations)"/)
  }
  expect(sent('openai')).toContain('"refusal"')
  expect(sent('azure')).not.toContain('"annotations"')
  expect(sent('groq')).not.toContain('"reasoning"')
})

test('a refusal is sent as text where it is no field of its own', () => {
  const refused: ConversationMessage = { role: 'assistant', content: null, refusal: 'I will not.' }
  const plain = { role: 'assistant', content: 'I will not.' }
  expect(wireMessage(refused, profileFor(undefined, 'groq'), false)).toEqual(plain)
  expect(wireMessage(refused, profileFor(undefined), false)).toEqual(refused)
})
