import { OpenAI } from 'openai'
import { expect, test } from 'vitest'
import { beginStream, chatServer, delta, says, sendJson, type ChatServer } from './fixtures/chat-server.ts'

/*
 * What the openai package's own reader makes of four answers: why the provider reads them itself. When one of these
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
