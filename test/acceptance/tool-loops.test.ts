import {
  AppendMessages,
  createApp,
  defineTool,
  OpenSession,
  type ConversationMessage,
  type Tool,
} from 'busline'
import { describe, expect, test } from 'vitest'
import { recordedExchanges, toolLoops, type Exchange } from './recorded-exchange.ts'
import { recordedServer, seeded } from './recorded-server.ts'

const loops = toolLoops(recordedExchanges())

/** What the tools of a loop returned when it was recorded, by tool, in call order. */
function recordedTools(loop: readonly Exchange[]): Tool[] {
  const last = loop.at(-1)?.request
  const offered = loop[0]?.request?.tools ?? []
  const names = new Map(
    last?.messages
      .flatMap((message) => message.tool_calls ?? [])
      .map((call) => [call.id, call.function.name]),
  )
  const results = new Map<string, unknown[]>()
  const prefix = loop[0]?.request?.messages.length ?? 0
  for (const message of last?.messages.slice(prefix) ?? []) {
    if (message.role !== 'tool') continue
    const name = names.get(message.tool_call_id ?? '') ?? ''
    results.set(name, [...(results.get(name) ?? []), message.content])
  }
  return offered.map(({ function: { name, description = '', parameters = {} } }) =>
    defineTool({
      name,
      description,
      parameters: { ...parameters, type: 'object' },
      run: () => results.get(name)?.shift(),
    }),
  )
}

/** What servers take as the same: no content, null and "" beside calls; the spacing of arguments. */
function normal(messages: readonly ConversationMessage[]) {
  return messages.map(({ role, content, tool_calls, tool_call_id }) => ({
    role,
    content: content ?? '',
    ...(tool_call_id === undefined ? {} : { tool_call_id }),
    ...(tool_calls === undefined
      ? {}
      : {
          tool_calls: tool_calls.map(({ id, function: { name, arguments: args } }) => ({
            id,
            name,
            arguments: JSON.parse(args || '{}'),
          })),
        }),
  }))
}

async function runLoop(loop: readonly Exchange[], form: 'stream' | 'body', seed: number) {
  const history = loop[0]?.request?.messages ?? []
  const [first] = history
  const systemPrompt =
    first?.role === 'system' && typeof first.content === 'string' ? first.content : undefined
  const user = history.at(-1)?.content
  await using server = await recordedServer(loop, { form, random: seeded(seed) })
  await using app = createApp({
    baseURL: server.url,
    apiKey: 'test-key-0123456789',
    tools: recordedTools(loop),
    stream: form === 'stream',
    ...(systemPrompt === undefined ? {} : { systemPrompt }),
  })
  const { version } = await app.bus.execute(OpenSession, {
    id: 's1',
    ...(systemPrompt === undefined ? {} : { systemPrompt }),
  })
  const before = history.slice(systemPrompt === undefined ? 0 : 1, -1)
  await app.bus.session('s1').execute(AppendMessages, {
    version,
    messages: before,
  })
  const result = await app.chat('s1').send(typeof user === 'string' ? user : '')
  return { result, requests: server.requests }
}

describe('the recorded tool loops', () => {
  test('are all that the recordings hold whole: 39 answers to tool results, each with its request', () => {
    expect(loops).toHaveLength(39)
  })

  describe.each(['stream', 'body'] as const)('read as a %s, cut anywhere', (form) => {
    test.each(loops.map((loop, index) => ({ id: loop[0]?.id ?? '', loop, seed: index + 1 })))(
      '$id (seed $seed)',
      async ({ loop, seed }) => {
        const { result, requests } = await runLoop(loop, form, seed)
        const expected = loop.at(-1)?.expected
        expect(result.reply).toBe(expected?.text)
        expect(result.finishReason).toBe(expected?.finish_reason)
        expect(result.toolCalls.map(({ name, arguments: args, error }) => ({ name, args, error }))).toEqual(
          loop
            .flatMap((step) => step.expected.tool_calls)
            .map(({ name, arguments: args }) => ({ name, args: JSON.parse(args || '{}'), error: null })),
        )
        expect(requests.map(({ messages }) => normal(messages))).toEqual(
          loop.map(({ request }) => normal(request?.messages ?? [])),
        )
      },
    )
  })
})
