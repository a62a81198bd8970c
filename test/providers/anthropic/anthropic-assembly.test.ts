import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ModelAnswer } from 'busline'
import { readAnthropicAnswer } from '../../../src/providers/anthropic-answer.ts'
import { AnthropicAssembly } from '../../../src/providers/anthropic-assembly.ts'
import { anthropicHistory } from '../../../src/providers/anthropic-messages.ts'
import { anthropicUsage } from '../../../src/providers/anthropic-usage.ts'
import { sse } from '../contract/messages-wire.ts'
import { answerIn, randomCuts, seeded } from '../fixtures/random-cuts.ts'
import { block, ending, messageStart, textBlock, type Event } from './ask-anthropic.ts'

const silent = { text: () => undefined, reasoning: () => undefined, toolCall: () => undefined }
const assembly = (): AnthropicAssembly => new AnthropicAssembly(silent, (name) => name)

function assembled(...events: Event[]): ModelAnswer {
  const answer = assembly()
  for (const event of events) answer.add(event)
  return answer.answer()
}

const toolBlock = (index: number, id: string, ...pieces: string[]): Event[] =>
  block(
    index,
    { type: 'tool_use', id, name: 'look', input: {} },
    ...pieces.map((partial) => ({ type: 'input_json_delta', partial_json: partial })),
  )

const argumentsOf = (answer: ModelAnswer): string[] =>
  (answer.message.tool_calls ?? []).map((call) => call.function.arguments)

test('pieces of an input are joined as they came, also when blocks are interleaved', () => {
  const one = toolBlock(0, 'a', '', '{"x": ', '1 }')
  const other = toolBlock(1, 'b', '{"y"', ':2}')
  const mixed = one.flatMap((event, place) => [event, ...other.slice(place, place + 1)])
  const answer = assembled(messageStart(), ...mixed)
  expect(argumentsOf(answer)).toEqual(['{"x": 1 }', '{"y":2}'])
})

test('an input that never came is {}, one that came whole is taken, one that broke off stays as it is', () => {
  const whole = block(2, { type: 'tool_use', id: 'c', name: 'look', input: { z: 3 } })
  const answer = assembled(...toolBlock(0, 'a'), ...toolBlock(1, 'b', '{"y":'), ...whole)
  expect(argumentsOf(answer)).toEqual(['{}', '{"y":', '{"z":3}'])
})

test.each([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['tool_use', 'tool_calls'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['refusal', 'content_filter'],
  ['pause_turn', 'pause_turn'],
  ['something_new', 'something_new'],
  ['constructor', 'constructor'],
  ['__proto__', '__proto__'],
])('the stop reason %s is the finish reason %s', (stop, finish) => {
  expect(assembled(messageStart(), ...ending(stop)).finishReason).toBe(finish)
})

test('a refusal that is explained is told', () => {
  const delta = { stop_reason: 'refusal', stop_details: { type: 'refusal', explanation: 'Not this.' } }
  expect(assembled({ type: 'message_delta', delta }).message).toMatchObject({
    content: null,
    refusal: 'Not this.',
  })
})

test('usage is running totals: the last of each count stands, and nothing is summed', () => {
  const { usage, rawUsage } = assembled(
    messageStart({
      input_tokens: 10,
      cache_read_input_tokens: 4,
      cache_creation_input_tokens: 2,
      output_tokens: 1,
    }),
    { type: 'message_delta', delta: {}, usage: { output_tokens: 5 } },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn' },
      usage: { input_tokens: null, output_tokens: 9, output_tokens_details: { thinking_tokens: 3 } },
    },
  )
  expect(usage).toEqual({
    inputTokens: 16,
    outputTokens: 9,
    totalTokens: 25,
    cachedTokens: 4,
    cacheWriteTokens: 2,
    reasoningTokens: 3,
  })
  expect(rawUsage).toMatchObject({ input_tokens: 10, output_tokens: 9 })
  expect(anthropicUsage({ input_tokens: -1, output_tokens: 'many' })).toBeNull()
})

test('unknown events, blocks and deltas are passed over, and invent no call', () => {
  const answer = assembled(
    messageStart(),
    { type: 'novelty', index: 0 },
    ...block(0, { type: 'hologram', data: 1 }, { type: 'hologram_delta', more: 2 }),
    { type: 'content_block_delta', index: 7, delta: { type: 'input_json_delta', partial_json: '{}' } },
    { type: 'content_block_start' },
    { type: 'content_block_delta', delta: null },
    ...textBlock(1, 'hi'),
    ...ending(),
  )
  expect(answer.message).toMatchObject({ content: 'hi' })
  expect(answer.message.tool_calls).toBeUndefined()
})

const piece = fc.string({ minLength: 1, maxLength: 8 })
/** Blank text is never sent back: the API refuses it. */
const spoken = piece.filter((text) => text.trim() !== '')
const anyBlock = fc.oneof(
  fc.array(spoken, { minLength: 1, maxLength: 3 }).map((pieces) => ({
    whole: { type: 'text', text: pieces.join('') },
    start: { type: 'text', text: '' },
    deltas: pieces.map((text) => ({ type: 'text_delta', text })),
  })),
  fc
    .record({ thought: fc.array(piece, { maxLength: 3 }), signature: piece })
    .map(({ thought, signature }) => ({
      whole: { type: 'thinking', thinking: thought.join(''), signature },
      start: { type: 'thinking', thinking: '', signature: '' },
      deltas: [
        ...thought.map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature },
      ],
    })),
  piece.map((data) => ({
    whole: { type: 'redacted_thinking', data },
    start: { type: 'redacted_thinking', data },
    deltas: [],
  })),
  fc
    .record({
      id: fc.uuid(),
      input: fc.dictionary(piece, fc.jsonValue(), { maxKeys: 3, noNullPrototype: true }),
    })
    .map(({ id, input }) => {
      // As the wire carries it: no -0.
      const json = JSON.stringify(input)
      const whole: unknown = JSON.parse(json)
      return {
        whole: { type: 'tool_use', id, name: 'look', input: whole },
        start: { type: 'tool_use', id, name: 'look', input: {} },
        deltas: [json.slice(0, 3), json.slice(3)].map((partial) => ({
          type: 'input_json_delta',
          partial_json: partial,
        })),
      }
    }),
)
const anyBlocks = fc.array(anyBlock, { maxLength: 6 })

function streamOf(blocks: { start: Event; deltas: Event[] }[]): string {
  const parts = blocks.flatMap(({ start, deltas }, index) => block(index, start, ...deltas))
  return sse(messageStart(), ...parts, ...ending())
}

test('wherever the network cuts a stream, the same answer is read; and a body says the same', async () => {
  await fc.assert(
    fc.asyncProperty(anyBlocks, fc.nat(), async (blocks, seed) => {
      const bytes = Buffer.from(streamOf(blocks))
      const read = (pieces: Uint8Array[], type?: string): Promise<ModelAnswer> =>
        readAnthropicAnswer(answerIn(pieces, type), assembly(), 'there')
      const whole = await read([bytes])
      expect(await read(randomCuts(bytes, 9, seeded(seed)))).toEqual(whole)

      const content = blocks.map((one) => one.whole)
      const body = { type: 'message', content, stop_reason: 'end_turn' }
      const plain = await read([Buffer.from(JSON.stringify(body))], 'application/json')
      expect(plain.message.content).toEqual(whole.message.content)
      expect(plain.message['reasoning_details']).toEqual(whole.message['reasoning_details'])
    }),
    { numRuns: 300 },
  )
})

test('an answer with thinking goes back exactly as it came', async () => {
  await fc.assert(
    fc.asyncProperty(anyBlocks, async (blocks) => {
      const answer = await readAnthropicAnswer(answerIn([Buffer.from(streamOf(blocks))]), assembly(), 'there')
      const { messages } = anthropicHistory([{ role: 'user', content: 'q' }, answer.message], 'loop')
      const thinks = blocks.some(({ whole }) => /thinking/.test(whole.type))
      fc.pre(thinks)
      expect(messages[1]?.content).toEqual(blocks.map(({ whole }) => whole))
    }),
    { numRuns: 300 },
  )
})

test('a line that is no JSON in the middle of a stream is told', async () => {
  const events = `${sse(messageStart())}data: oops\n\n${sse(...textBlock(0, 'hi'), ...ending())}`
  await expect(
    readAnthropicAnswer(answerIn([Buffer.from(events)]), assembly(), 'there'),
  ).rejects.toMatchObject({ code: 'PROVIDER_FAILED', message: expect.stringContaining('«oops»') })
})

test('an answer is read by what it is, whatever its content-type says', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyBlocks,
      fc.nat(),
      fc.constantFrom('', ' \n', '\ufeff'),
      async (blocks, seed, before) => {
        const stream = streamOf(blocks)
        const body = JSON.stringify({
          type: 'message',
          content: blocks.map((one) => one.whole),
          stop_reason: 'end_turn',
        })
        const read = (text: string, type: string): Promise<ModelAnswer> =>
          readAnthropicAnswer(
            answerIn(randomCuts(Buffer.from(before + text), 9, seeded(seed)), type),
            assembly(),
            'there',
          )
        expect(await read(stream, 'text/plain')).toEqual(await read(stream, 'text/event-stream'))
        expect(await read(body, 'text/event-stream')).toEqual(await read(body, 'application/json'))
      },
    ),
    { numRuns: 100 },
  )
})

/** The same piece again and again, and how often it was asked for. */
function endless(piece: Uint8Array, most: number): { body: AsyncGenerator<Uint8Array>; asked: () => number } {
  let asked = 0
  async function* body(): AsyncGenerator<Uint8Array> {
    while (asked++ < most) yield piece
  }
  return { body: body(), asked: () => asked }
}

test('a stream of more than 64 MB, and such a body, are given up', async () => {
  const padding = 'x'.repeat(8 * 1024 * 1024)
  const events = endless(Buffer.from(sse({ type: 'novelty', padding })), 100)
  await expect(
    readAnthropicAnswer({ ...answerIn([]), body: events.body }, assembly(), 'there'),
  ).rejects.toMatchObject({ code: 'PROVIDER_FAILED', message: expect.stringContaining('64 MB') })
  expect(events.asked()).toBeLessThan(35)

  const body = endless(Buffer.from(`{"x":"${padding}`), 100)
  await expect(
    readAnthropicAnswer({ ...answerIn([], 'application/json'), body: body.body }, assembly(), 'there'),
  ).rejects.toMatchObject({ code: 'PROVIDER_FAILED', message: expect.stringContaining('64 MB') })
  expect(body.asked()).toBeLessThan(12)
})

test('pings are no part of the answer, however many come', async () => {
  const ping = sse({ type: 'ping', padding: 'x'.repeat(8 * 1024 * 1024) })
  async function* body(): AsyncGenerator<Uint8Array> {
    const piece = Buffer.from(ping)
    for (let number = 0; number < 34; number++) yield piece
    yield Buffer.from(streamOf([]))
  }
  const answer = await readAnthropicAnswer({ ...answerIn([]), body: body() }, assembly(), 'there')
  expect(answer.finishReason).toBe('stop')
})

test('a stream that ends before its end is never an answer', async () => {
  await fc.assert(
    fc.asyncProperty(anyBlocks, fc.nat(), async (blocks, cut) => {
      const events = streamOf(blocks)
      const end = events.indexOf('event: message_delta')
      const reading = readAnthropicAnswer(
        answerIn([Buffer.from(events.slice(0, cut % (end + 1)))]),
        assembly(),
        'there',
      )
      await expect(reading).rejects.toMatchObject({ code: 'ANSWER_CUT' })
    }),
    { numRuns: 300 },
  )
})
