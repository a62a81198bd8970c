import { text } from 'node:stream/consumers'
import { getEventListeners } from 'node:events'
import { createServer } from 'node:net'
import { expect, test, vi } from 'vitest'
import { httpSend } from '../../src/providers/http-send.ts'
import { networkError } from '../../src/providers/network-error.ts'
import { chatServer, portOf, sendJson } from './fixtures/chat-server.ts'

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
  expect(await text(answer.body)).toBe('{}')
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
  await expect(text(answer.body)).rejects.toThrow()
})

/** A server that answers each request with these bytes, and leaves the connection open. */
async function bareServer(answer: string): Promise<{ url: URL } & AsyncDisposable> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.write(answer))
  })
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening)
  })
  return {
    url: new URL(`http://127.0.0.1:${portOf(server.address())}/v1`),
    [Symbol.asyncDispose]: () => new Promise<void>((closed) => void server.close(() => closed())),
  }
}

test('an answer that switches to another protocol is refused, whether it says to which or not', async () => {
  for (const upgrade of ['Connection: Upgrade\r\nUpgrade: websocket\r\n', '']) {
    await using server = await bareServer(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\n`)
    const error: unknown = await httpSend(server.url, request).catch((thrown: unknown) => thrown)
    expect(networkError(error, 'it').message).toBe(
      "Can't reach it: it switched to another protocol (101). Check the base URL.",
    )
  }
})

test('an abort ends a request at once, whether the connection tells of it or not', async () => {
  await using silent = await chatServer(() => undefined)
  const controller = new AbortController()
  const sending = httpSend(new URL(silent.url), { ...request, signal: controller.signal })
  controller.abort(new Error('enough'))
  await expect(sending).rejects.toThrow('enough')
  await expect(httpSend(new URL(silent.url), { ...request, signal: controller.signal })).rejects.toThrow(
    'enough',
  )

  let end = (): void => undefined
  const ended = httpSend(new URL(silent.url), { ...request, onSent: (abort) => void (end = abort) })
  end()
  await expect(ended).rejects.toThrow('closed before an answer')
})

test('an abort after the answer ends its body, and no listener stays on the signal', async () => {
  await using halfway = await chatServer((response) => response.writeHead(200).write('half'))
  const controller = new AbortController()
  const answer = await httpSend(new URL(halfway.url), { ...request, signal: controller.signal })
  controller.abort()
  await expect(text(answer.body)).rejects.toThrow()

  await using server = await chatServer((response) => sendJson(response, 200, '{}'))
  const { signal } = new AbortController()
  const whole = await httpSend(new URL(server.url), { ...request, signal })
  await text(whole.body)
  await vi.waitFor(() => expect(getEventListeners(signal, 'abort')).toEqual([]))
})
