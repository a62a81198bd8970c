import type { ConversationMessage } from 'busline'
import { expect, test } from 'vitest'
import { profileFor } from '../../src/providers/choose-profile.ts'
import { isJsonObject, wireMessage } from '../../src/providers/wire-message.ts'

function wire(message: ConversationMessage, keepsReasoning = false): Record<string, unknown> {
  return wireMessage(message, profileFor('http://host.test'), keepsReasoning)
}

function calling(name: string, text: string): ConversationMessage {
  return {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'a', type: 'function', function: { name, arguments: text } }],
  }
}

function sentCall(name: string, text: string): unknown {
  const calls = wire(calling(name, text))['tool_calls']
  return Array.isArray(calls) ? calls[0] : undefined
}

test('our id, turn and meta stay here, everything else goes', () => {
  expect(
    wire({ id: 'm', turn: 't', meta: { pinned: true, cost: 1 }, role: 'user', content: 'hi', name: 'ada' }),
  ).toEqual({
    role: 'user',
    content: 'hi',
    name: 'ada',
  })
  expect(wire({ id: 'm', role: 'tool', tool_call_id: 'a', content: '{}' })).toEqual({
    role: 'tool',
    tool_call_id: 'a',
    content: '{}',
  })
})

test('arguments that are no JSON object go as {}, and the stored message keeps its own', () => {
  for (const text of ['', ' ', '{"a":1', '"{}"', '[]', 'null', '{}{}', 'not json']) {
    const message = calling('f', text)
    expect(sentCall('f', text)).toMatchObject({ function: { name: 'f', arguments: '{}' } })
    wire(message)
    expect(message).toEqual(calling('f', text))
  }
  for (const text of ['{}', ' {"a": 1}\n', '{"__proto__":{}}']) {
    expect(sentCall('f', text)).toEqual({
      id: 'a',
      type: 'function',
      function: { name: 'f', arguments: text },
    })
  }
})

test('a name that servers would refuse goes in a form that they take, the same each time', () => {
  for (const name of ['a.b c', '', 'x'.repeat(70), 'späße']) {
    expect(sentCall(name, '{}')).toMatchObject({
      function: { name: expect.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$/) },
    })
    expect(sentCall(name, '{}')).toEqual(sentCall(name, '{}'))
  }
})

test('an answer of nothing goes as an empty text, one of calls or a refusal as null', () => {
  expect(wire({ role: 'assistant', content: null, tool_calls: [] })).toEqual({
    role: 'assistant',
    content: '',
  })
  expect(wire({ role: 'assistant', content: null, refusal: 'no' })['content']).toBeNull()
  expect(wire(calling('f', '{}'))['content']).toBeNull()
})

test('reasoning goes back under the name that it came under, and only where it is kept', () => {
  const fields = {
    reasoning: 'a',
    reasoning_content: 'b',
    reasoning_details: [{ type: 'reasoning.text', text: 'c' }],
  }
  const message: ConversationMessage = { role: 'assistant', content: 'x', ...fields }
  expect(wire(message, false)).toEqual({ role: 'assistant', content: 'x' })
  expect(wire(message, true)).toEqual({ role: 'assistant', content: 'x', ...fields })
})

test("Mistral's thinking goes back as a part of the content", () => {
  const thinking = { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }
  expect(wire({ role: 'assistant', content: '144', thinking: 'hm' }, true)).toEqual({
    role: 'assistant',
    content: [thinking, { type: 'text', text: '144' }],
  })
  expect(wire({ ...calling('f', '{}'), thinking: 'hm' }, true)['content']).toEqual([thinking])
  expect(wire({ role: 'assistant', content: '144', thinking: 'hm' }, false)['content']).toBe('144')
})

test('only a JSON object is one', () => {
  expect(['{}', '\n{"a":{}}'].every(isJsonObject)).toBe(true)
  expect(['', '[]', '1', 'null', '{', '{}}'].some(isJsonObject)).toBe(false)
})

test("parts of a result that a server can't take leave a word in their place", () => {
  const result: ConversationMessage = {
    role: 'tool',
    tool_call_id: 'a',
    content: [
      { type: 'text', text: 'a cat: ' },
      { type: 'image_url', image_url: { url: 'data:,' } },
    ],
  }
  expect(wireMessage(result, profileFor(undefined), false)['content']).toBe(
    'a cat: [image_url: this server takes only text here]',
  )
  expect(wire(result)['content']).toEqual(result.content)
})
