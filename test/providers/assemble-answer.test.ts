import { expect, test } from 'vitest'
import type { ModelAnswer } from 'busline'
import { AnswerAssembly } from '../../src/providers/assemble-answer.ts'
import { delta } from './fixtures/chat-server.ts'

function assembled(...chunks: unknown[]): { answer: ModelAnswer; heard: string[]; isFinished: boolean } {
  const heard: string[] = []
  const assembly = new AnswerAssembly({
    text: (text) => void heard.push(`text ${text}`),
    reasoning: (text) => void heard.push(`reasoning ${text}`),
    toolCall: (call, name) => void heard.push(`call ${call} ${name}`),
  })
  for (const chunk of chunks) assembly.add(chunk)
  return { answer: assembly.answer(), heard, isFinished: assembly.isFinished }
}

test('an answer is the text of its pieces, and each piece is heard once', () => {
  expect(
    assembled(
      { ...Object(delta({ role: 'assistant', content: '' })), model: '' },
      { ...Object(delta({ content: 'Hel' })), model: 'm-1' },
      delta({ content: 'lo' }),
      delta({}, 'stop'),
    ),
  ).toEqual({
    answer: {
      message: { role: 'assistant', content: 'Hello' },
      finishReason: 'stop',
      usage: null,
      model: 'm-1',
    },
    heard: ['text Hel', 'text lo'],
    isFinished: true,
  })
})

test('an answer of nothing is empty: content null, no calls, no finish reason', () => {
  expect(assembled().answer).toEqual({
    message: { role: 'assistant', content: null },
    finishReason: null,
    usage: null,
    model: null,
  })
})

test('calls are heard as soon as they are named, and come with their raw arguments', () => {
  const { answer, heard } = assembled(
    delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{"x"' } }] }),
    delta({ tool_calls: [{ index: 0, function: { arguments: ':1' } }] }, 'length'),
  )
  expect(answer.message.tool_calls).toEqual([
    { id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1' } },
  ])
  expect(answer.message.content).toBeNull()
  expect(heard).toEqual(['call a f'])
})

test('the last finish reason that is not empty counts, known or not', () => {
  expect(assembled(delta({}, 'stop'), delta({}, ''), delta({}), delta({}, 'eos')).answer.finishReason).toBe(
    'eos',
  )
})

test('the last usage that is not null counts; a running one is never summed', () => {
  const usage = (tokens: number): unknown => ({
    choices: [],
    usage: { prompt_tokens: 1, completion_tokens: tokens, total_tokens: 1 + tokens },
  })
  expect(
    assembled(usage(1), usage(2), { choices: null, usage: null }, delta({}, 'stop')).answer.usage,
  ).toEqual({ inputTokens: 1, outputTokens: 2, totalTokens: 3 })
})

test('usage is found under x_groq, and in the choice', () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
  const read = { inputTokens: 1, outputTokens: 2, totalTokens: 3 }
  expect(assembled({ choices: [], x_groq: { usage } }).answer.usage).toEqual(read)
  expect(assembled({ choices: [{ index: 0, delta: {}, usage }] }).answer.usage).toEqual(read)
})

test('only the choice of index 0 counts, wherever it stands', () => {
  expect(
    assembled({
      choices: [
        { index: 1, delta: { content: 'no' }, finish_reason: 'length' },
        { index: 0, delta: { content: 'yes' } },
      ],
    }),
  ).toMatchObject({ answer: { message: { content: 'yes' }, finishReason: null } })
})

test('a message beside deltas repeats them; without any it is the answer', () => {
  const whole = { role: 'assistant', content: 'whole' }
  expect(
    assembled(
      { choices: [{ index: 0, delta: { content: 'piece' }, message: whole }] },
      delta({ content: 's' }),
      {
        choices: [{ index: 0, message: whole, finish_reason: 'stop' }],
      },
    ).answer.message.content,
  ).toBe('pieces')
  expect(assembled({ choices: [{ index: 0, message: whole }] }).answer.message.content).toBe('whole')
})

test('of an array content the text parts are the text', () => {
  const content = [
    { type: 'text', text: 'a' },
    { type: 'image', text: 'no' },
    null,
    { type: 'text', text: 'b' },
  ]
  expect(assembled(delta({ content })).answer.message.content).toBe('ab')
})

test('a refusal stays a refusal, and the content null', () => {
  const { answer } = assembled(
    delta({ refusal: "I can't" }),
    delta({ refusal: ' do it.' }),
    delta({}, 'stop'),
  )
  expect(answer.message).toEqual({ role: 'assistant', content: null, refusal: "I can't do it." })
})

test('chunks of odd shapes are read field by field', () => {
  const odd: unknown[] = [
    null,
    7,
    'x',
    [],
    {},
    { choices: {} },
    { choices: [null, 1] },
    { choices: [{ index: 0 }] },
  ]
  const { answer } = assembled(
    ...odd,
    {
      choices: [{ delta: { content: 'a', tool_calls: {}, refusal: [] }, finish_reason: 3 }],
      usage: 'x',
      model: 9,
    },
    delta({ content: { text: 'no' } }),
    delta({ content: 'b' }, 'stop'),
  )
  expect(answer).toEqual({
    message: { role: 'assistant', content: 'ab' },
    finishReason: 'stop',
    usage: null,
    model: null,
  })
})

test('a plain body is read from its message, whatever delta stands beside it', () => {
  const assembly = new AnswerAssembly({ text: () => {}, reasoning: () => {}, toolCall: () => {} })
  assembly.addBody({
    choices: [{ delta: { content: '' }, message: { content: 'Hi', reasoning: 'hm' }, finish_reason: 'stop' }],
  })
  expect(assembly.answer().message).toEqual({ role: 'assistant', content: 'Hi', reasoning: 'hm' })
})

test('what the server tells of its answer is kept: ids, time in milliseconds, version, the last tier', () => {
  const { answer } = assembled(
    { id: '', created: 0, choices: [] },
    { id: 'c1', created: 1700000000, system_fingerprint: 'fp', service_tier: 'auto', choices: [] },
    { id: 'c2', created: 1800000000, system_fingerprint: null, service_tier: 'default', choices: [] },
  )
  expect(answer.response).toEqual({
    id: 'c1',
    created: 1_700_000_000_000,
    fingerprint: 'fp',
    serviceTier: 'default',
  })
})

test('the usage is kept as it was sent, and one that tells no count does not replace it', () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, cost: 0.1 }
  const { answer } = assembled(
    { choices: [], usage },
    { choices: [], usage: {} },
    { choices: [], usage: 'x' },
  )
  expect(answer.rawUsage).toEqual(usage)
  expect(answer.usage).toEqual({ inputTokens: 1, outputTokens: 2, totalTokens: 3 })
})

test('an answer that goes on after its finish reason is not finished', () => {
  const finish = delta({ content: 'a' }, 'stop')
  expect(assembled(finish).isFinished).toBe(true)
  expect(assembled(finish, delta({ content: '' })).isFinished).toBe(true)
  expect(assembled(finish, delta({ content: 'b' })).isFinished).toBe(false)
  expect(assembled(finish, delta({ tool_calls: [{ index: 0 }] })).isFinished).toBe(false)
  expect(assembled(finish, delta({ content: 'b' }), delta({}, 'stop')).isFinished).toBe(true)
})

test('a chunk tells whether it said anything', () => {
  const assembly = new AnswerAssembly({ text: () => {}, reasoning: () => {}, toolCall: () => {} })
  const saying = [{ content: 'a' }, { reasoning: 'a' }, { refusal: 'a' }, { tool_calls: [{ index: 0 }] }]
  for (const fields of saying) expect(assembly.add(delta(fields))).toBe(true)
  for (const chunk of [delta({}), delta({ content: '' }), { choices: [] }, null]) {
    expect(assembly.add(chunk)).toBe(false)
  }
})
