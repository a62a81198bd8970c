import type { ConversationMessage, ModelRequest } from 'busline'
import { expect, test } from 'vitest'
import { wireRequest } from '../../src/providers/wire-request.ts'
import { question } from './fixtures/ask.ts'

const parameters = { type: 'object', properties: {} }

function bodyOf(
  request: Partial<ModelRequest>,
  options = { model: 'm', stream: false },
): Record<string, unknown> {
  return wireRequest({ ...question, ...request }, options)
}

test('a request with nothing chosen is model and messages', () => {
  expect(bodyOf({})).toEqual({ model: 'm', messages: [{ role: 'user', content: 'hello' }] })
})

test('a stream is asked for with its usage', () => {
  expect(bodyOf({}, { model: 'm', stream: true })).toMatchObject({
    stream: true,
    stream_options: { include_usage: true },
  })
})

test("the request's model goes before the provider's, and without either the error says where to name one", () => {
  expect(bodyOf({ model: 'asked' })['model']).toBe('asked')
  expect(() => wireRequest(question, { stream: true })).toThrow(
    expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringContaining('--model') }),
  )
})

test('options go under the names of the wire, a temperature of 0 too', () => {
  expect(bodyOf({ temperature: 0, maxTokens: 5 })).toMatchObject({ temperature: 0, max_tokens: 5 })
})

test('tools and the choice among them go in the form of the wire, and are left out where there are none', () => {
  const tools = [{ name: 'f', description: 'does', parameters }]
  expect(bodyOf({ tools, toolChoice: { name: 'f' } })).toMatchObject({
    tools: [{ type: 'function', function: { name: 'f', description: 'does', parameters } }],
    tool_choice: { type: 'function', function: { name: 'f' } },
  })
  expect(bodyOf({ tools, toolChoice: 'required' })['tool_choice']).toBe('required')
  expect(Object.keys(bodyOf({ toolChoice: 'none' }))).toEqual(['model', 'messages'])
})

test('reasoning goes back within the tool loop that is going on, and not from former turns', () => {
  const thought: ConversationMessage = { role: 'assistant', content: 'x', reasoning: 'hm' }
  const user: ConversationMessage = { role: 'user', content: 'and?' }
  expect(bodyOf({ messages: [user, thought, user, thought, thought] })['messages']).toEqual([
    user,
    { role: 'assistant', content: 'x' },
    user,
    thought,
    thought,
  ])
})
