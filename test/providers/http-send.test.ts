import { expect, test } from 'vitest'
import { httpSend } from '../../src/providers/http-send.ts'
import { networkError } from '../../src/providers/network-error.ts'
import { readText } from '../../src/providers/read-text.ts'
import { chatServer, sendJson } from './fixtures/chat-server.ts'

const request = {
  headers: { 'content-type': 'application/json', 'x-one': '1' },
  body: '{"é":1}',
  signal: undefined,
}

test('a request is posted with its headers and its length, and answered as it is', async () => {
  await using server = await chatServer((response) => sendJson(response, 404, '{}', { 'retry-after': '3' }))
  const answer = await httpSend(new URL(`${server.url}/path?query=1`), request)

  expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('x-none')]).toEqual([
    404,
    '3',
    null,
  ])
  expect(await readText(answer.body, { limit: 10 })).toBe('{}')
  expect(server.requests).toMatchObject([
    { path: '/v1/path?query=1', headers: { 'x-one': '1', 'content-length': '8' }, body: { é: 1 } },
  ])
})

test('a server that stays silent is given up, before its answer and within', async () => {
  await using silent = await chatServer(() => undefined)
  await using halfway = await chatServer((response) => response.writeHead(200).write('half'))

  const error: unknown = await httpSend(new URL(silent.url), request, 10).catch((thrown: unknown) => thrown)
  expect(networkError(error, 'it').message).toBe(
    "Can't reach it: it was silent for ten minutes. Is the server overloaded?",
  )

  const answer = await httpSend(new URL(halfway.url), request, 10)
  await expect(readText(answer.body, { limit: 10 })).rejects.toThrow()
})

test('a body longer than the limit is read no further', async () => {
  await using server = await chatServer((response) => response.writeHead(200).end('x'.repeat(1_000_000)))
  const answer = await httpSend(new URL(server.url), request)
  expect((await readText(answer.body, { limit: 100 })).length).toBeLessThan(200_000)
  answer.cancel()
})
