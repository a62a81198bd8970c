import { OpenAI } from 'openai'
import { expect, test } from 'vitest'
import {
  beginStream,
  chatServer,
  delta,
  says,
  sendJson,
  sendStream,
  type ChatServer,
} from './fixtures/chat-server.ts'

/*
 * What the openai package's own reader makes of these answers: why the provider reads them itself. When one of these
 * fails after an upgrade, a reason is gone.
 */

async function readByPackage({ url }: ChatServer): Promise<unknown> {
  const client = new OpenAI({ apiKey: 'sk-canary', baseURL: url, maxRetries: 0, logLevel: 'off' })
  const texts: unknown[] = []
  try {
    for await (const chunk of await client.chat.completions.create({
      model: 'm',
      messages: [],
      stream: true,
    })) {
      texts.push(chunk.choices[0]?.delta.content)
    }
    return texts
  } catch (error) {
    return error instanceof Error ? error.message : error
  }
}

test('the openai package reads a JSON body in place of a stream as nothing, without an error', async () => {
  await using server = await chatServer((response) => sendJson(response, 200, says('hi')))
  expect(await readByPackage(server)).toEqual([])
})

test('the openai package takes a stream that was cut for a whole one', async () => {
  await using server = await chatServer((response) => beginStream(response, delta({ content: 'ha' })).end())
  expect(await readByPackage(server)).toEqual(['ha'])
})

test('the openai package does not see an error that comes as a line of its own', async () => {
  await using server = await chatServer((response) =>
    beginStream(response, delta({ content: 'ha' })).end('error: {"message":"out of memory"}\n\n'),
  )
  expect(await readByPackage(server)).toEqual(['ha'])
})

test('the openai package keeps only what is under error, and repeats a key', async () => {
  await using detail = await chatServer((response) => sendJson(response, 401, { detail: 'Invalid API Key' }))
  await using echo = await chatServer((response) =>
    sendJson(response, 401, { error: { message: 'No: sk-canary' } }),
  )
  expect(await readByPackage(detail)).toBe('401 status code (no body)')
  expect(await readByPackage(echo)).toBe('401 No: sk-canary')
})

/** The calls that its `stream()` helper puts together of these pieces, or why it gives up. */
async function assembledByPackage(...pieces: Record<string, unknown>[]): Promise<unknown> {
  const calls = pieces.map((call) =>
    delta({ role: 'assistant', tool_calls: [{ type: 'function', ...call }] }),
  )
  return finalOf(...calls, delta({}, 'tool_calls'))
}

async function finalOf(...chunks: unknown[]): Promise<unknown> {
  await using server = await chatServer((response) => sendStream(response, ...chunks))
  const client = new OpenAI({ apiKey: 'sk-canary', baseURL: server.url, maxRetries: 0, logLevel: 'off' })
  try {
    const answer = await client.chat.completions.stream({ model: 'm', messages: [] }).finalChatCompletion()
    const calls = answer.choices[0]?.message.tool_calls ?? []
    return calls.map((call) =>
      call.type === 'function' ? `${call.id} ${call.function.name} ${call.function.arguments}` : call,
    )
  } catch (error) {
    return error instanceof Error ? error.message : error
  }
}

test("the openai package's assembly loses calls without an index, and mixes two that share one", async () => {
  const first = { id: 'a', function: { name: 'f', arguments: '{"x":1}' } }
  const second = { id: 'b', function: { name: 'g', arguments: '{}' } }
  expect(await assembledByPackage(first, second)).toEqual([])
  expect(await assembledByPackage({ ...first, index: 0 }, { ...second, index: 0 })).toEqual(['b g {"x":1}{}'])
  expect(await assembledByPackage({ ...first, index: 1 })).toMatch(/undefined/)
})

test("the openai package's assembly makes text of arguments that are an object", async () => {
  const piece = { index: 0, id: 'a', function: { name: 'f', arguments: { x: 1 } } }
  expect(await assembledByPackage(piece)).toEqual(['a f [object Object]'])
})

test("the openai package's assembly refuses whole answers without a role, and usage beside choices of null", async () => {
  const usage = { choices: null, usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }
  expect(await finalOf(delta({ content: 'a' }), delta({}, 'stop'))).toContain('missing role')
  expect(await finalOf(delta({ role: 'assistant', content: 'a' }, 'stop'), usage)).toContain('not iterable')
})
