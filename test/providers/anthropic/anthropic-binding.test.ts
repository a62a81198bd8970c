import type { ConversationMessage, ModelRequest } from 'busline'
import { expect, test } from 'vitest'
import { betasOf } from '../../../src/providers/anthropic-binding.ts'
import { sentBody } from './sent-body.ts'

const thinking = { type: 'thinking', thinking: '', signature: 'EqQB' }
const loop: ConversationMessage[] = [
  { role: 'user', content: 'look' },
  {
    role: 'assistant',
    content: null,
    reasoning_details: [thinking],
    tool_calls: [{ id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } }],
  },
  { role: 'tool', tool_call_id: 'a', content: 'dark' },
]
const dropping = { block_binding: { prefix_mismatch_behavior: 'drop_block' } }
const sent = (request: Partial<ModelRequest>): Record<string, unknown> =>
  sentBody({ model: 'claude-fable-5-2', messages: loop, ...request })

test('a model that binds thinking is told to leave out what does not fit, with the beta that knows how', () => {
  const body = sent({})
  expect(body['thinking']).toEqual({ type: 'adaptive', ...dropping })
  expect(betasOf(body)).toEqual(['thinking-binding-controls-2026-08-01'])
  expect(sent({ reasoningEffort: 'high' })).toMatchObject({
    thinking: { type: 'adaptive', ...dropping },
    output_config: { effort: 'high' },
  })
})

test('no other model is told, and none where no thinking goes back', () => {
  for (const request of [
    { model: 'claude-opus-5' },
    { model: 'some-model' },
    { messages: loop.slice(0, 1) },
    { messages: [...loop, { role: 'user' as const, content: 'next' }] },
  ]) {
    const body = sent(request)
    expect(body).not.toHaveProperty('thinking')
    expect(betasOf(body)).toEqual([])
  }
})

test('what extra says of thinking stays, and gets the wish where it has none of its own', () => {
  const display = { type: 'adaptive', display: 'summarized' }
  expect(sent({ extra: { thinking: display } })['thinking']).toEqual({ ...display, ...dropping })
  const strict = { type: 'adaptive', block_binding: { prefix_mismatch_behavior: 'error' } }
  const body = sent({ extra: { thinking: strict } })
  expect(body['thinking']).toEqual(strict)
  expect(betasOf(body)).toHaveLength(1)
})

test('where thinking is switched off, none goes back to a model that binds it: there is no way to say the wish', () => {
  const body = sent({ model: 'claude-haiku-5-5', reasoningEffort: 'none' })
  expect(body['thinking']).toEqual({ type: 'disabled' })
  expect(JSON.stringify(body['messages'])).not.toContain('EqQB')
  expect(JSON.stringify(sent({ model: 'claude-opus-5', reasoningEffort: 'none' }))).toContain('EqQB')
})
