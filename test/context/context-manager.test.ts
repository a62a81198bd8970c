import {
  AppendMessages,
  contextManager,
  estimateTokens,
  lastMessages,
  memoryJournal,
  memorySessions,
  MessageBus,
  OpenSession,
  ReadContext,
  summarize,
  UpdateSession,
  withinTokens,
  type ContextManagerOptions,
  type ConversationMessage,
} from 'busline'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

async function sessionWith(messages: ConversationMessage[], options: ContextManagerOptions = {}) {
  const journal = memoryJournal()
  const bus = new MessageBus({ journal })
  bus.attach(memorySessions())
  bus.attach(contextManager(options))
  const { version } = await bus.execute(OpenSession, { id: 's1', systemPrompt: 'Be kind.' })
  const session = bus.session('s1')
  await session.execute(AppendMessages, { messages, version })
  return { bus, session, journal, read: () => session.execute(ReadContext, {}) }
}

const user = (content: string): ConversationMessage => ({ role: 'user', content })
const assistant = (content: string): ConversationMessage => ({ role: 'assistant', content })
function toolExchange(id: string): ConversationMessage[] {
  return [
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id, type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: id, content: '1' },
  ]
}

describe('contextManager', () => {
  test('reads the system prompt first, then the whole history', async () => {
    const { read } = await sessionWith([user('hello'), assistant('hi')])
    const { messages, tokens } = await read()
    expect(messages.map((message) => message.content)).toEqual(['Be kind.', 'hello', 'hi'])
    expect(messages[0]?.role).toBe('system')
    expect(tokens).toBe(messages.reduce((sum, message) => sum + estimateTokens(message), 0))
  })

  test('sees what others append, set and clear', async () => {
    const { session, read } = await sessionWith([user('hello')])
    await session.execute(UpdateSession, { systemPrompt: 'Be brief.' })
    await session.execute(AppendMessages, { messages: [assistant('hi')], version: 2 })
    expect((await read()).messages.map((message) => message.content)).toEqual(['Be brief.', 'hello', 'hi'])
    await session.execute(UpdateSession, { messages: [] })
    expect((await read()).messages.map((message) => message.content)).toEqual(['Be brief.'])
  })

  test('gives the messages the same ids as the store does', async () => {
    const { bus, read } = await sessionWith([user('hello'), assistant('hi')])
    const stored = await bus.execute(OpenSession, { id: 's1' })
    expect((await read()).messages.slice(1)).toEqual(stored.messages)
  })

  test('opens a session that nobody has opened yet', async () => {
    const bus = new MessageBus()
    bus.attach(memorySessions())
    bus.attach(contextManager())
    await expect(bus.session('new').execute(ReadContext, {})).resolves.toEqual({ messages: [], tokens: 0 })
  })

  test('does not write the history to the journal again', async () => {
    const { read, journal } = await sessionWith([user('a long story')])
    await read()
    expect(journal.lines.filter((line) => line.includes('a long story'))).toHaveLength(1)
  })

  test('takes a strategy of the user', async () => {
    const { read } = await sessionWith([user('a'), assistant('b')], {
      strategy: (messages) => messages.slice(-1),
    })
    expect((await read()).messages.map((message) => message.content)).toEqual(['Be kind.', 'b'])
  })
})

describe('strategies', () => {
  const history = [user('1'), ...toolExchange('c1'), assistant('one'), user('2'), assistant('two'), user('3')]

  test('lastMessages keeps whole exchanges, at least the last', () => {
    const budget = { countTokens: estimateTokens, systemTokens: 0 }
    expect(lastMessages(3)(history, budget)).toEqual([user('2'), assistant('two'), user('3')])
    expect(lastMessages(2)(history, budget)).toEqual([user('3')])
    expect(lastMessages(0)(history, budget)).toEqual([user('3')])
    expect(lastMessages(100)(history, budget)).toEqual(history)
  })

  const message: fc.Arbitrary<ConversationMessage[]> = fc.oneof(
    fc.string().map((text) => [user(text)]),
    fc.string().map((text) => [assistant(text)]),
    fc.uuid().map(toolExchange),
    fc.string().map((text): ConversationMessage[] => [{ role: 'system', content: text }]),
  )

  test('never orphans a tool message, drops an instruction or reorders (any history, any budget)', () => {
    fc.assert(
      fc.property(
        fc.array(message).map((parts) => parts.flat()),
        fc.nat(200),
        (messages, limit) => {
          for (const strategy of [lastMessages(limit), withinTokens(limit)]) {
            const kept = strategy(messages, { countTokens: estimateTokens, systemTokens: 0 })
            const calls = new Set<string>()
            for (const one of kept) {
              for (const part of one.tool_calls ?? []) calls.add(part.id)
              if (one.role === 'tool') expect(calls.delete(one.tool_call_id ?? '')).toBe(true)
            }
            expect(calls.size).toBe(0)
            expect(kept.filter((one) => one.role === 'system')).toEqual(
              messages.filter((one) => one.role === 'system'),
            )
            expect(kept).toEqual(messages.filter((one) => kept.includes(one)))
            expect(kept.at(-1)).toEqual(messages.at(-1))
          }
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('stays within the tokens unless the last exchange alone is larger', () => {
    fc.assert(
      fc.property(
        fc.array(message).map((parts) => parts.flat().filter((one) => one.role !== 'system')),
        fc.nat(500),
        (messages, limit) => {
          const kept = withinTokens(limit)(messages, { countTokens: estimateTokens, systemTokens: 10 })
          const tokens = kept.reduce((sum, one) => sum + estimateTokens(one), 10)
          const lastStart = kept.findLastIndex((one) => one.role === 'user')
          expect(tokens <= limit || lastStart <= 0).toBe(true)
        },
      ),
    )
  })
})

describe('What JavaScript hands in by mistake is refused with INVALID_OPTION that names it:', () => {
  const make: Readonly<Record<string, (options: unknown) => unknown>> = {
    contextManager: (options) => Reflect.apply(contextManager, undefined, [options]),
    summarize: (options) => Reflect.apply(summarize, undefined, [options]),
    lastMessages: (options) => Reflect.apply(lastMessages, undefined, [options]),
    withinTokens: (options) => Reflect.apply(withinTokens, undefined, [options]),
  }
  test.each([
    ['contextManager', { maxToken: 5 }, 'contextManager.maxToken'],
    ['contextManager', { providers: 'x' }, 'contextManager.providers'],
    ['contextManager', { providers: ['x'] }, 'contextManager.providers.0'],
    ['contextManager', { strategy: 'x' }, 'contextManager.strategy'],
    ['contextManager', { countTokens: 5 }, 'contextManager.countTokens'],
    ['contextManager', { countTools: 5 }, 'contextManager.countTools'],
    ['contextManager', { maxTokens: 9, purge: { two: 0.5 } }, 'contextManager.purge.two'],
    ['contextManager', null, 'contextManager'],
    ['summarize', undefined, 'summarize'],
    ['summarize', {}, 'summarize.maxTokens'],
    ['summarize', { maxTokens: 9, with: 'x' }, 'summarize.with'],
    ['summarize', { maxTokens: 9, max: 9 }, 'summarize.max'],
    ['lastMessages', undefined, 'lastMessages(count)'],
    ['withinTokens', '5', 'withinTokens(maxTokens)'],
  ])('%s(%j)', (maker, options, option) => {
    expect(() => make[maker]?.(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', data: { option } }),
    )
  })
})
