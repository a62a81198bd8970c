import { Anthropic } from '@anthropic-ai/sdk'
import { expect, test } from 'vitest'
import { chatServer, sendJson, type ChatServer } from '../fixtures/chat-server.ts'
import { begin, messageStart, textBlock } from './ask-anthropic.ts'

/*
 * What the package's own reader makes of five answers: why the provider reads them itself. When one of these fails after
 * an upgrade, a reason is gone.
 */

async function readByPackage({ url }: ChatServer): Promise<{ texts: string[]; error?: unknown }> {
  const client = new Anthropic({
    apiKey: 'sk-canary',
    baseURL: url.replace(/\/v1$/, ''),
    maxRetries: 0,
    logLevel: 'off',
  })
  const texts: string[] = []
  try {
    const stream = await client.messages.create({ model: 'm', max_tokens: 9, messages: [], stream: true })
    for await (const event of stream) {
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
        texts.push(event.delta.text)
    }
    return { texts }
  } catch (error) {
    return { texts, error }
  }
}

test('the package takes a stream that was cut for a whole one', async () => {
  await using server = await chatServer((response) =>
    begin(response, messageStart(), ...textBlock(0, 'ha')).end(),
  )
  expect(await readByPackage(server)).toEqual({ texts: ['ha'] })
})

test('the package reads a JSON body in place of a stream as nothing, without an error', async () => {
  await using server = await chatServer((response) =>
    sendJson(response, 200, { type: 'message', content: [] }),
  )
  expect(await readByPackage(server)).toEqual({ texts: [] })
})

test('the package does not see an error that comes as a line of its own', async () => {
  await using server = await chatServer((response) =>
    begin(response, messageStart(), ...textBlock(0, 'ha')).end('error: {"message":"out of memory"}\n\n'),
  )
  expect(await readByPackage(server)).toEqual({ texts: ['ha'] })
})

test('the package gives an error inside of a stream no status', async () => {
  const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }
  await using server = await chatServer((response) => begin(response, messageStart(), overloaded).end())
  expect((await readByPackage(server)).error).toMatchObject({ status: undefined, type: 'overloaded_error' })
})

test('the package repeats a key that the server echoes', async () => {
  await using server = await chatServer((response) =>
    sendJson(response, 401, {
      type: 'error',
      error: { type: 'authentication_error', message: 'No: sk-canary' },
    }),
  )
  expect(String((await readByPackage(server)).error)).toContain('sk-canary')
})
