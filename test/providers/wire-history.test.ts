import type { ConversationMessage } from 'busline'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { profileFor } from '../../src/providers/choose-profile.ts'
import { PROFILES } from '../../src/providers/profiles.ts'
import { keepsReasoning, wireHistory } from '../../src/providers/wire-history.ts'

const mistral = profileFor(undefined, 'mistral')

function say(
  role: ConversationMessage['role'],
  content: ConversationMessage['content'],
): ConversationMessage {
  return { role, content }
}
const call: ConversationMessage = {
  role: 'assistant',
  content: null,
  tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
}
const result: ConversationMessage = { role: 'tool', tool_call_id: 'a', content: '1' }

test('a history in order is the one that was given', () => {
  const messages = [
    say('system', 's'),
    say('user', 'u'),
    call,
    result,
    say('assistant', 'a'),
    say('user', 'u'),
  ]
  for (const profile of PROFILES) expect(wireHistory(messages, profile)).toBe(messages)
})

test('system messages further down are added to the first, in order', () => {
  const messages = [say('system', 'one'), say('user', 'u'), say('developer', 'two'), say('system', 'three')]
  expect(wireHistory(messages, mistral)).toEqual([say('system', 'one\n\ntwo\n\nthree'), say('user', 'u')])
  expect(wireHistory(messages, profileFor(undefined))).toBe(messages)
})

test('users that follow one another are made into one, their parts kept', () => {
  const image = { type: 'image_url', image_url: { url: 'data:,' } }
  expect(wireHistory([say('user', 'a'), say('user', 'b'), say('user', [image])], mistral)).toEqual([
    say('user', [{ type: 'text', text: 'a\n\nb' }, image]),
  ])
})

test('an assistant stands between a tool and a user where it has to', () => {
  expect(wireHistory([say('user', 'u'), call, result, say('user', 'v')], mistral)).toEqual([
    say('user', 'u'),
    call,
    result,
    say('assistant', '…'),
    say('user', 'v'),
  ])
})

test('an instruction is added to the system prompt, or becomes it', () => {
  const openai = profileFor(undefined)
  expect(wireHistory([say('developer', 'p'), say('user', 'u')], openai, 'JSON!')).toEqual([
    say('developer', 'p\n\nJSON!'),
    say('user', 'u'),
  ])
  expect(wireHistory([say('user', 'u')], openai, 'JSON!')).toEqual([say('system', 'JSON!'), say('user', 'u')])
})

const message = fc.oneof(
  fc.constantFrom('system', 'developer', 'user', 'assistant').map((role) => say(role, 'text')),
  fc.constantFrom(call, result),
)

test('whatever the history, nothing is in an order that the server refuses, and no text is lost', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), fc.constantFrom(...PROFILES), (messages, profile) => {
      const before = JSON.stringify(messages)
      const sent = wireHistory(messages, profile)
      const order = sent.map(({ role }) => (role === 'developer' ? 'system' : role)).join(' ')
      if (!profile.systemAnywhere) expect(order.lastIndexOf('system')).toBeLessThanOrEqual(0)
      if (!profile.adjacentUsers) expect(order).not.toContain('user user')
      if (!profile.userAfterTool) expect(order).not.toContain('tool user')
      const texts = (of: readonly ConversationMessage[]): number => JSON.stringify(of).split('text').length
      expect(texts(sent)).toBe(texts(messages))
      expect(JSON.stringify(messages)).toBe(before)
    }),
  )
})

test('reasoning goes back from nowhere, the tool loop that goes on, the turns that called tools, or everywhere', () => {
  const messages = [
    say('user', 'u'),
    say('assistant', '1'),
    say('user', 'u'),
    call,
    result,
    say('assistant', '5'),
    say('user', 'u'),
    call,
  ]
  const kept = (echo: Parameters<typeof keepsReasoning>[1]): number[] =>
    [...messages.keys()].filter(
      (place) => messages[place]?.role === 'assistant' && keepsReasoning(messages, echo)(place),
    )
  expect(kept('never')).toEqual([])
  expect(kept('toolLoop')).toEqual([7])
  expect(kept('toolTurns')).toEqual([3, 5, 7])
  expect(kept('always')).toEqual([1, 3, 5, 7])
})
