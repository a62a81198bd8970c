import {
  AppendMessages,
  contextManager,
  estimateTokens,
  estimateToolTokens,
  memorySessions,
  MessageBus,
  OpenSession,
  ReadContext,
  textOf,
  type ConversationMessage,
  type ToolDescription,
} from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const user = (content: string): ConversationMessage => ({ role: 'user', content })
const call = (...ids: string[]): ConversationMessage => ({
  role: 'assistant',
  content: null,
  tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })),
})
const result = (id: string, content = '1'): ConversationMessage => ({
  role: 'tool',
  tool_call_id: id,
  content,
})

async function reading(messages: ConversationMessage[], options: Parameters<typeof contextManager>[0]) {
  const bus = new MessageBus()
  bus.attach(memorySessions())
  bus.attach(contextManager(options))
  const { version } = await bus.execute(OpenSession, { id: 's', systemPrompt: 'Be kind.' })
  const session = bus.session('s')
  if (messages.length > 0) await session.execute(AppendMessages, { messages, version })
  return { bus, session, read: (tools?: ToolDescription[]) => session.execute(ReadContext, { tools }) }
}

const meta = fc.option(
  fc.record(
    {
      pinned: fc.constant(true),
      notNeeded: fc.constant(true),
      archived: fc.constant(true),
      purged: fc.constant(true),
      partial: fc.constant(true),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined, freq: 2 },
)
const id = fc.constantFrom('a', 'b', 'c', '')
const text = fc.oneof(
  fc.string(),
  fc.nat(3000).map((length) => 'x'.repeat(length)),
)
/** Whole tool exchanges, and anything that edits and imports leave: orphans, doubles, gaps. */
const part: fc.Arbitrary<ConversationMessage[]> = fc.oneof(
  text.map((content) => [user(content)]),
  text.map((content): ConversationMessage[] => [{ role: 'assistant', content }]),
  fc.tuple(fc.uuid(), fc.uuid(), text).map(([a, b, content]) => [call(a, b), result(a, content), result(b)]),
  fc.array(id, { minLength: 1, maxLength: 3 }).map((ids) => [call(...ids)]),
  fc.tuple(id, text).map(([of, content]) => [result(of, content)]),
  fc.string().map((content): ConversationMessage[] => [{ role: 'system', content }]),
)
const history = fc
  .array(fc.tuple(part, meta), { maxLength: 12 })
  .map((parts) =>
    parts.flatMap(([messages, marks]) => messages.map((one) => (marks ? { ...one, meta: marks } : one))),
  )

function brokenRule(sent: readonly ConversationMessage[]): string | undefined {
  let open: string[] = []
  for (const message of sent) {
    if (message.meta?.archived || message.meta?.purged) return 'an archived or purged message was sent'
    if (message.role === 'tool') {
      if (open.shift() !== message.tool_call_id) return 'a result stands where none was due'
      continue
    }
    if (open.length > 0) return 'a call is not directly followed by its result'
    open = (message.tool_calls ?? []).map((one) => one.id)
    if (new Set(open).size < open.length) return 'two calls of one message have one id'
  }
  return open.length > 0 ? 'the last call has no result' : undefined
}

describe('the budget', () => {
  test('holds for any history, and never at the cost of its validity, the system prompt or what is pinned', async () => {
    const tools: ToolDescription[] = [{ name: 'f', description: 'does f', parameters: { type: 'object' } }]
    await fc.assert(
      fc.asyncProperty(
        history,
        fc.integer({ min: 1, max: 1500 }),
        fc.boolean(),
        async (messages, maxTokens, purge) => {
          const { bus, read } = await reading(messages, { maxTokens, purge })
          const sent = await read(tools)
          expect(brokenRule(sent.messages)).toBeUndefined()
          expect(sent.messages[0]).toEqual({ role: 'system', content: 'Be kind.' })

          const count = sent.messages.reduce(
            (sum, one) => sum + estimateTokens(one),
            estimateToolTokens(tools),
          )
          expect(sent.tokens).toBe(count)

          // Pinned messages that can be sent are, with their exchange.
          const whole = (await (await reading(messages, {})).read()).messages
          const contents = (some: readonly ConversationMessage[]) =>
            some.map((one) => `${one.role}:${textOf(one)}`)
          for (const pinned of whole.filter((one) => one.meta?.pinned && one.role !== 'tool'))
            expect(contents(sent.messages)).toContain(contents([pinned])[0])

          // Over the budget only with nothing left that may go: instructions, pinned exchanges, the last one.
          if (sent.tokens > maxTokens) {
            const starts = sent.messages.slice(1).reduce<ConversationMessage[][]>((all, one) => {
              if (one.role === 'user' || all.length === 0) all.push([one])
              else all.at(-1)?.push(one)
              return all
            }, [])
            for (const exchange of starts.slice(0, -1)) {
              const rest = exchange.filter((one) => one.role !== 'system')
              expect(rest.length === 0 || exchange.some((one) => one.meta?.pinned)).toBe(true)
            }
          }
          if (!purge) expect((await read(tools)).messages).toEqual(sent.messages)
          await bus.stop()
        },
      ),
      { numRuns: 1000 },
    )
  }, 60_000)

  test('counts the tools, and keeps what is reserved for the answer free', async () => {
    const messages = [user('x'.repeat(400)), user('y'.repeat(400))]
    const tool: ToolDescription = { name: 'f', description: 'd'.repeat(400), parameters: { type: 'object' } }
    const { read } = await reading(messages, { maxTokens: 230 })
    expect((await read()).messages).toHaveLength(3)
    expect((await read([tool])).messages).toHaveLength(2)
    const reserving = await reading(messages, { maxTokens: 230, reserve: 50 })
    expect((await reserving.read()).messages).toHaveLength(2)
  })

  test('drops what is not needed before what is older', async () => {
    const messages = [user('old'), { ...user('x'.repeat(400)), meta: { notNeeded: true } }, user('new')]
    const { read } = await reading(messages, { maxTokens: 60 })
    expect((await read()).messages.map((one) => one.content)).toEqual(['Be kind.', 'old', 'new'])
  })

  test('shortens the tool results of a last exchange that is too large alone, and leaves the stored one', async () => {
    const { bus, read } = await reading([user('go'), call('a'), result('a', 'r'.repeat(9000))], {
      maxTokens: 300,
    })
    const sent = await read()
    expect(sent.tokens).toBeLessThanOrEqual(300)
    expect(sent.messages.at(-1)?.content).toMatch(
      /^r{400}\n\[Shortened .* 8600 of 9000 characters left out\.\]$/,
    )
    const stored = await bus.execute(OpenSession, { id: 's' })
    expect(stored.messages.at(-1)?.content).toHaveLength(9000)
  })

  test('sends a result that says so for a call without one, no orphan, and stores neither change', async () => {
    const { bus, read } = await reading(
      [user('go'), call('a', 'b'), result('b'), result('z'), user('and?')],
      {},
    )
    const sent = (await read()).messages
    expect(sent.map((one) => one.tool_call_id ?? one.role)).toEqual([
      'system',
      'user',
      'assistant',
      'a',
      'b',
      'user',
    ])
    expect(sent[3]?.content).toMatch(/^Outcome unknown/)
    expect((await bus.execute(OpenSession, { id: 's' })).messages).toHaveLength(5)
  })

  test.each([
    [{ maxTokens: 0 }, /maxTokens/],
    [{ maxTokens: 10, reserve: 10 }, /reserve/],
    [{ purge: true }, /purge/],
    [{ maxTokens: 10, purge: { to: 2 } }, /purge\.to/],
  ])('refuses %j', (options, message) => {
    expect(() => contextManager(options)).toThrow(message)
  })
})
