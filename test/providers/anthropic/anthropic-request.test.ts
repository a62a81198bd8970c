import type { ModelRequest } from 'busline'
import { expect, test } from 'vitest'
import { sentBody as sent } from './sent-body.ts'

const tool = { name: 'look', description: 'Looks.', parameters: { type: 'object', properties: {} } }

test('a plain request holds a model, a limit and the messages, and nothing else', () => {
  expect(sent()).toEqual({
    model: 'claude-opus-5',
    max_tokens: 1000,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
  })
})

test('without a model the error says where to name one', () => {
  expect(() => sent({ model: null })).toThrow(
    expect.objectContaining({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('anthropicProvider({ model })'),
    }),
  )
  expect(sent({ model: null }, { model: 'claude-x' })['model']).toBe('claude-x')
})

test('tools go with their schema, choices in the words of the API', () => {
  expect(sent({ tools: [tool] })['tools']).toEqual([
    { name: 'look', description: 'Looks.', input_schema: { type: 'object', properties: {} } },
  ])
  const choice = (request: Partial<ModelRequest>): unknown =>
    sent({ tools: [tool], ...request })['tool_choice']
  expect(choice({})).toBeUndefined()
  expect(choice({ toolChoice: 'auto' })).toEqual({ type: 'auto' })
  expect(choice({ toolChoice: 'none', parallelToolCalls: false })).toEqual({ type: 'none' })
  expect(choice({ toolChoice: 'required' })).toEqual({ type: 'any' })
  expect(choice({ toolChoice: { name: 'look' } })).toEqual({ type: 'tool', name: 'look' })
  expect(choice({ parallelToolCalls: false })).toEqual({ type: 'auto', disable_parallel_tool_use: true })
  expect(sent({ toolChoice: 'auto' })).not.toHaveProperty('tool_choice')
})

test('a history of calls goes with tools that may not be called, where none is on offer', () => {
  const call = { id: 'a', type: 'function' as const, function: { name: 'old', arguments: '{}' } }
  const messages: ModelRequest['messages'] = [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: 'a', content: 'x' },
  ]
  expect(sent({ messages })).toMatchObject({
    tools: [{ name: 'old', input_schema: { type: 'object' } }],
    tool_choice: { type: 'none' },
  })
})

test('limits and what only this server knows pass, the latter before all', () => {
  expect(sent({ maxTokens: 5, stop: ['END'], extra: { top_k: 3, max_tokens: 6 } })).toMatchObject({
    max_tokens: 6,
    stop_sequences: ['END'],
    top_k: 3,
  })
})

test('temperature and top_p go to the version that knows them, and not beside a budget of thinking', () => {
  const sampling = { temperature: 0.5, topP: 0.9, seed: 1, presencePenalty: 1, frequencyPenalty: 1 }
  expect(Object.keys(sent(sampling))).toEqual(['model', 'max_tokens', 'messages'])
  expect(sent(sampling, { version: '2023-06-01' })).toMatchObject({ temperature: 0.5, top_p: 0.9 })
  const thinking = { ...sampling, model: 'claude-opus-4-5', reasoningEffort: 'low' }
  expect(sent(thinking, { version: '2023-06-01' })).not.toHaveProperty('temperature')
})

test.each([
  ['claude-opus-4-5', 'none', { thinking: { type: 'disabled' }, max_tokens: 1000 }],
  [
    'claude-opus-4-5-20251101',
    'minimal',
    { thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 2024 },
  ],
  [
    'claude-3-7-sonnet-20250219',
    'low',
    { thinking: { type: 'enabled', budget_tokens: 2048 }, max_tokens: 3048 },
  ],
  [
    'claude-sonnet-4-20250514',
    'medium',
    { thinking: { type: 'enabled', budget_tokens: 8192 }, max_tokens: 9192 },
  ],
  ['claude-haiku-4-5', 'high', { thinking: { type: 'enabled', budget_tokens: 16_384 }, max_tokens: 17_384 }],
  [
    'claude-opus-4-6',
    'high',
    { thinking: { type: 'adaptive' }, output_config: { effort: 'high' }, max_tokens: 1000 },
  ],
  ['claude-sonnet-5-5', 'minimal', { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } }],
  ['claude-mythos-preview', 'xhigh', { thinking: { type: 'adaptive' }, output_config: { effort: 'xhigh' } }],
])('%s thinks with an effort of %s', (model, reasoningEffort, expected) => {
  expect(sent({ model, reasoningEffort })).toMatchObject(expected)
})

test.each(['claude-opus-5-5', 'claude-fable-5', 'claude-fable-5-1', 'claude-sonnet-5-5'])(
  'with %s, which is never without thinking, an effort of none is the least effort',
  (model) => {
    const body = sent({ model, reasoningEffort: 'none' })
    expect(body).not.toHaveProperty('thinking')
    expect(body['output_config']).toEqual({ effort: 'low' })
  },
)

test('a model that can not think is not asked to', () => {
  for (const reasoningEffort of ['none', 'low', 'high']) {
    const body = sent({ model: 'claude-3-5-haiku-20241022', reasoningEffort })
    expect(body).not.toHaveProperty('thinking')
    expect(body).not.toHaveProperty('output_config')
  }
})

test.each([
  ['claude-opus-4-1-20250805', 'high', 32_000, 16_000],
  ['claude-opus-4-1-20250805', 'max', 32_000, 16_000],
  ['claude-sonnet-4-5', 'max', 48_384, 32_000],
])('%s with %s asks for no more than it can say', (model, reasoningEffort, limit, budget) => {
  expect(sent({ model, reasoningEffort }, { maxTokens: 16_384 })).toMatchObject({
    max_tokens: limit,
    thinking: { budget_tokens: budget },
  })
})

test('a limit above that of the model is lowered to it, unless extra says it', () => {
  expect(sent({ model: 'claude-3-5-haiku-20241022' }, { maxTokens: 16_384 })['max_tokens']).toBe(8192)
  const request = { model: 'claude-opus-4-1', maxTokens: 64_000 }
  expect(sent(request)['max_tokens']).toBe(32_000)
  expect(sent({ ...request, extra: { max_tokens: 64_000 } })['max_tokens']).toBe(64_000)
})

test('a call can not be forced from the models that refuse it, and the error says what to do', () => {
  for (const model of ['claude-opus-5-5', 'claude-fable-5-1', 'claude-sonnet-5-5']) {
    for (const toolChoice of ['required' as const, { name: 'look' }]) {
      expect(() => sent({ model, tools: [tool], toolChoice })).toThrow(
        expect.objectContaining({
          code: 'INVALID_REQUEST',
          message: expect.stringMatching(/toolChoice 'auto' and 'none' alone.*prompt/),
          data: { model },
        }),
      )
    }
    expect(sent({ model, tools: [tool], toolChoice: 'none' })['tool_choice']).toEqual({ type: 'none' })
    expect(sent({ model, toolChoice: 'required' })).not.toHaveProperty('tool_choice')
  }
  expect(sent({ model: 'claude-haiku-5-5', tools: [tool], toolChoice: 'required' })).toMatchObject({
    tool_choice: { type: 'any' },
  })
})

test('thinking gets at most half of a limit that was asked for, and none where it would be too little', () => {
  const high = { model: 'claude-opus-4-5', reasoningEffort: 'high' }
  expect(sent({ ...high, maxTokens: 5000 })).toMatchObject({
    max_tokens: 5000,
    thinking: { budget_tokens: 2500 },
  })
  expect(sent({ ...high, maxTokens: 2000 })).not.toHaveProperty('thinking')
})

test('a tool that is forced goes without thinking', () => {
  const forced = { tools: [tool], toolChoice: 'required' as const, reasoningEffort: 'high' }
  expect(sent({ ...forced, model: 'claude-opus-4-5' })).not.toHaveProperty('thinking')
  expect(sent(forced)).not.toHaveProperty('thinking')
  expect(sent(forced)).toMatchObject({ output_config: { effort: 'high' } })
})

test('a schema goes as output format, as far as the API has a form for it', () => {
  const schema = { name: 'output', schema: { type: 'object' } }
  expect(sent({ schema, reasoningEffort: 'low' })['output_config']).toEqual({
    effort: 'low',
    format: { type: 'json_schema', schema: { type: 'object', strict: true } },
  })
  const strictSchema = (): never => {
    throw new Error('it must have a type')
  }
  expect(() => sent({ schema }, { strictSchema })).toThrow(
    expect.objectContaining({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('it must have a type'),
    }),
  )
})

test('with cache, the system prompt and the end of the conversation are marked', () => {
  const messages: ModelRequest['messages'] = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'hi' },
    { role: 'system', content: 'It is noon.' },
  ]
  expect(sent({ messages }, { cache: true })).toMatchObject({
    cache_control: { type: 'ephemeral' },
    system: [
      { type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } },
      { type: 'text', text: 'It is noon.' },
    ],
  })
})
