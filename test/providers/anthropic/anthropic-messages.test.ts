import { BuslineError, type ConversationMessage } from 'busline'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { settle } from '../../../src/messages/settled.ts'
import { anthropicHistory } from '../../../src/providers/anthropic-messages.ts'
import { messagesProblems } from '../contract/messages-wire.ts'

const user = (content: ConversationMessage['content']): ConversationMessage => ({ role: 'user', content })
const called = (...ids: string[]): ConversationMessage => ({
  role: 'assistant',
  content: null,
  tool_calls: ids.map((id) => ({
    id,
    type: 'function',
    function: { name: 'look', arguments: '{"at":"x"}' },
  })),
})
const result = (id: string, content: ConversationMessage['content']): ConversationMessage => ({
  role: 'tool',
  tool_call_id: id,
  content,
})
const text = (said: string): unknown => ({ type: 'text', text: said })
const use = (id: string): unknown => ({ type: 'tool_use', id, name: 'look', input: { at: 'x' } })
const got = (id: string, content: unknown): unknown => ({ type: 'tool_result', tool_use_id: id, content })

const history = (...messages: ConversationMessage[]): ReturnType<typeof anthropicHistory> =>
  anthropicHistory(messages, 'loop')

test('system messages go to system, wherever they stand', () => {
  const { system, messages } = history({ role: 'system', content: 'Be brief.' }, user('hi'), {
    role: 'developer',
    content: [{ type: 'text', text: 'It is noon.' }],
  })
  expect(system).toEqual([text('Be brief.'), text('It is noon.')])
  expect(messages).toEqual([{ role: 'user', content: [text('hi')] }])
})

test('neighbours of one role are merged, and no id, turn or meta is sent', () => {
  const { messages } = history(
    { ...user('a'), id: 'm1', turn: 't1', meta: { pinned: true } },
    user('b'),
    { role: 'assistant', content: 'c' },
    { role: 'assistant', content: 'd' },
  )
  expect(messages).toEqual([
    { role: 'user', content: [text('a'), text('b')] },
    { role: 'assistant', content: [text('c'), text('d')] },
  ])
})

test('results stand in one user message directly after the calls, in their order, before what is said next', () => {
  const { messages, called: names } = history(
    user('go'),
    called('a', 'b'),
    result('b', '2'),
    result('a', '1'),
    user('and now?'),
  )
  expect(messages).toEqual([
    { role: 'user', content: [text('go')] },
    { role: 'assistant', content: [use('a'), use('b')] },
    { role: 'user', content: [got('a', '1'), got('b', '2'), text('and now?')] },
  ])
  expect([...names]).toEqual(['look'])
})

test('a call without a result is told to have none, and a result without a call is told as text', () => {
  const { messages } = history(result('gone', 'old news'), called('a'), user('go on'))
  expect(messages).toEqual([
    { role: 'user', content: [text("A tool's result: old news")] },
    { role: 'assistant', content: [use('a')] },
    {
      role: 'user',
      content: [{ ...Object(got('a', 'The result is not known.')), is_error: true }, text('go on')],
    },
  ])
  expect(history(user('x'), called('a')).messages.at(-1)?.content).toMatchObject([
    { tool_use_id: 'a', is_error: true },
  ])
})

test('empty messages are left out, and a user always begins', () => {
  const { messages } = history(
    user(' \n'),
    { role: 'assistant', content: '' },
    { role: 'assistant', content: 'a' },
  )
  expect(messages).toEqual([
    { role: 'user', content: [text('…')] },
    { role: 'assistant', content: [text('a')] },
  ])
  expect(history().messages).toEqual([{ role: 'user', content: [text('…')] }])
})

test('a result may hold pictures beside text, may be empty, and may have failed', () => {
  const { messages } = history(
    user('go'),
    called('a', 'b', 'c'),
    result('a', [
      { type: 'text', text: 'This:' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
    ]),
    result('b', ''),
    { ...result('c', 'no'), meta: { error: { code: 'HANDLER_FAILED', message: 'no' } } },
  )
  expect(messages[2]?.content).toEqual([
    got('a', [
      text('This:'),
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
    ]),
    { type: 'tool_result', tool_use_id: 'b' },
    { ...Object(got('c', 'no')), is_error: true },
  ])
})

test('arguments that are no object, and ids and names that the API refuses, go out in a form that it takes', () => {
  const { messages } = history(
    user('go'),
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'functions.look:0', type: 'function', function: { name: 'places.look', arguments: '[1' } },
      ],
    },
    result('functions.look:0', 'ok'),
  )
  const [call] = messages[1]?.content ?? []
  expect(call).toMatchObject({ type: 'tool_use', input: {} })
  expect(call?.['id']).toMatch(/^[a-zA-Z0-9_-]+$/)
  expect(call?.['name']).toMatch(/^places_look_/)
  expect(messages[2]?.content).toEqual([got(String(call?.['id']), 'ok')])
})

const thinking = { type: 'thinking', thinking: 'hm', signature: 'EqQB' }
const redacted = { type: 'redacted_thinking', data: 'EmwK' }

test('thinking goes back as it came within the tool loop that goes on, and not with former turns', () => {
  const answer = { ...called('a'), reasoning_details: [thinking, redacted] }
  const loop = [user('go'), answer, result('a', '1')]
  expect(history(...loop).messages[1]?.content).toEqual([thinking, redacted, use('a')])
  expect(history(...loop, user('next')).messages[1]?.content).toEqual([use('a')])
  expect(anthropicHistory([...loop, user('next')], 'all').messages[1]?.content).toEqual([
    thinking,
    redacted,
    use('a'),
  ])
})

test('thinking between text and calls goes back to where it was', () => {
  const answer: ConversationMessage = {
    ...called('a', 'b'),
    content: 'First.Second.',
    reasoning_details: [
      thinking,
      { type: 'text', length: 6 },
      { type: 'tool_use' },
      redacted,
      { type: 'text', length: 7 },
      { type: 'tool_use' },
    ],
  }
  expect(history(user('go'), answer).messages[1]?.content).toEqual([
    thinking,
    text('First.'),
    use('a'),
    redacted,
    text('Second.'),
    use('b'),
  ])
})

test('thinking that nobody signed, or that another server told, stays here', () => {
  const answer = {
    ...called('a'),
    reasoning_content: 'hm',
    reasoning_details: [
      { type: 'reasoning.text', text: 'hm', signature: 'x' },
      { ...thinking, signature: '' },
    ],
  }
  expect(history(user('go'), answer).messages[1]?.content).toEqual([use('a')])
})

const anyContent = fc.oneof(
  fc.string(),
  fc.constant(null),
  fc.array(
    fc.oneof(fc.record({ type: fc.constant('text'), text: fc.string() }), fc.constant({ type: 'thinking' })),
    {
      maxLength: 3,
    },
  ),
)
const anyId = fc.constantFrom('a', 'b', 'c.1', 'd:2', 'e')
const anyMessage: fc.Arbitrary<(place: number) => ConversationMessage> = fc.oneof(
  fc
    .record({
      role: fc.constantFrom('system' as const, 'user' as const, 'assistant' as const),
      content: anyContent,
    })
    .map((message) => () => message),
  fc.record({ id: anyId, content: anyContent }).map(
    ({ id, content }) =>
      () =>
        result(id, content),
  ),
  // Ids are unique in a history: the engine sees to that.
  fc
    .record({ ids: fc.uniqueArray(anyId), name: fc.string(), args: fc.oneof(fc.json(), fc.string()) })
    .map(({ ids, name, args }) => (place: number) => ({
      role: 'assistant' as const,
      content: null,
      reasoning_details: [thinking, { type: 'text', length: 3 }],
      tool_calls: ids.map((id) => ({
        id: `${id}${place}`,
        type: 'function' as const,
        function: { name, arguments: args },
      })),
    })),
)

test('whatever a history holds, what is sent is a conversation that the API takes', () => {
  fc.assert(
    fc.property(
      fc.array(anyMessage, { maxLength: 12 }),
      fc.constantFrom('loop' as const, 'all' as const, 'none' as const),
      (made, keeps) => {
        const messages = made.map((make, place) => make(place))
        const sent = anthropicHistory(messages, keeps)
        const body = { max_tokens: 1, messages: sent.messages, tools: [{ name: 'any' }] }
        expect(messagesProblems(body, 'v')).toEqual([])
        expect(sent.messages.length).toBeLessThanOrEqual(messages.length + 2)
      },
    ),
    { numRuns: 1000 },
  )
})

test('what was converted once of a settled message is not converted again', () => {
  let reads = 0
  const part = {
    type: 'text',
    get text() {
      reads++
      return 'hi'
    },
  }
  const settled = settle([user([part])])
  history(...settled)
  const before = reads
  history(...settled)
  expect(reads).toBe(before)
})

test('a hundred times the history takes about a hundred times as long, not ten thousand', () => {
  const long = (count: number): ConversationMessage[] =>
    Array.from({ length: count }, (_, place) => [
      user('q'),
      called(`c${place}`),
      result(`c${place}`, 'r'),
    ]).flat()
  const took = (count: number): number => {
    const messages = long(count)
    const times = Array.from({ length: 3 }, () => {
      const begin = performance.now()
      anthropicHistory(messages, 'loop')
      return performance.now() - begin
    })
    return Math.min(...times)
  }
  took(500)
  expect(took(50_000) / took(500)).toBeLessThan(1500)
})

test.each([
  [
    { type: 'image_url', image_url: { url: 'https://a.test/x.png' } },
    { type: 'image', source: { type: 'url', url: 'https://a.test/x.png' } },
  ],
  [
    { type: 'image_url', image_url: 'data:image/svg+xml,%3Csvg/%3E' },
    { type: 'image', source: { type: 'base64', media_type: 'image/svg+xml', data: 'PHN2Zy8+' } },
  ],
  [
    { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBE' } },
    {
      type: 'document',
      title: 'a.pdf',
      source: { type: 'base64', media_type: 'application/pdf', data: 'JVBE' },
    },
  ],
  [
    { type: 'file', file: { filename: 'a.csv', file_data: 'data:text/csv;base64,YSxi' } },
    { type: 'document', title: 'a.csv', source: { type: 'text', media_type: 'text/plain', data: 'a,b' } },
  ],
  [
    { type: 'file', file: { file_id: 'file_1' } },
    { type: 'document', source: { type: 'file', file_id: 'file_1' } },
  ],
  [
    { type: 'document', source: { type: 'url', url: 'https://a.test/x.pdf' } },
    { type: 'document', source: { type: 'url', url: 'https://a.test/x.pdf' } },
  ],
])('a part %j is a block of the API', (part, block) => {
  expect(history(user([part])).messages[0]?.content).toEqual([block])
})

test.each([
  [{ type: 'input_audio', input_audio: {} }, 'input_audio'],
  [{ type: 'image_url', image_url: { url: 'ftp://a.test' } }, 'images'],
  [{ type: 'file', file: { file_data: 'data:application/zip;base64,AAAA' } }, 'application/zip'],
])('a part %j, for which the API has no block, is refused by name', (part, named) => {
  const refused = (): unknown => history(user([part]))
  expect(refused).toThrow(BuslineError)
  expect(refused).toThrow(
    expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringContaining(named) }),
  )
})
