import type { BuslineError } from 'busline'
import { afterEach, expect, test, vi } from 'vitest'
import { openaiProvider } from '../../src/providers/openai-provider.ts'
import { checkedTimeouts, TimeoutWatch, type Timeouts } from '../../src/providers/timeouts.ts'
import { ask } from './fixtures/ask.ts'
import { beginStream, chatServer, delta, type ChatServer } from './fixtures/chat-server.ts'
import { deferred } from './fixtures/deferred.ts'

afterEach(() => void vi.useRealTimers())

/** A server that begins an answer and says no more; `closed` when its connection does. */
async function stalling(...chunks: unknown[]): Promise<ChatServer & { closed: Promise<void> }> {
  const closed = deferred()
  const server = await chatServer((response) => {
    response.on('close', () => closed.resolve())
    if (chunks.length > 0) beginStream(response, ...chunks)
  })
  return Object.assign(server, { closed: closed.promise })
}

test.each(['request', 'firstChunk'] as const)(
  '50 ms of %s on a slow provider are TIMED_OUT well before 200, and the server sees the connection close',
  async (phase) => {
    await using server = await stalling()
    // Loads the package, which is no part of the call's time.
    await ask({ baseURL: server.url, timeouts: { request: 1 } })

    const start = performance.now()
    const { error } = await ask({ baseURL: server.url, timeouts: { [phase]: 50 } })
    expect(performance.now() - start).toBeLessThan(200)
    expect(error).toMatchObject({
      code: 'TIMED_OUT',
      message: expect.stringContaining(`(timeouts.${phase})`),
      data: { phase, timeout: 50 },
    })
    await server.closed
  },
)

test.each(['request', 'betweenChunks'] as const)('a stall after text is %s, with the text', async (phase) => {
  await using server = await stalling(delta({ content: 'half' }))
  const { error } = await ask({ baseURL: server.url, timeouts: { [phase]: 50 } })
  expect(error).toMatchObject({ code: 'TIMED_OUT', data: { phase, text: 'half' } })
  await server.closed
})

test('a cancel before the timeout is the cancel', async () => {
  await using server = await stalling()
  const controller = new AbortController()
  const asking = ask(
    { baseURL: server.url, timeouts: { request: 5000 } },
    { execute: { signal: controller.signal } },
  )
  controller.abort()
  expect((await asking).error?.code).toBe('CANCELLED')
})

test('what can be no time is refused when it is given', () => {
  for (const timeouts of [{ request: 0 }, { firstChunk: -1 }, { betweenChunks: NaN }, { request: 2 ** 31 }]) {
    const [phase] = Object.keys(timeouts)
    expect(() => openaiProvider({ timeouts })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', data: { option: `timeouts.${phase}` } }),
    )
  }
  expect(() => openaiProvider({ timeouts: { request: undefined } })).not.toThrow()
})

test('without any of ours silence ends after ten minutes, and the whole takes as long as it takes', () => {
  expect(checkedTimeouts()).toEqual({ request: undefined, firstChunk: 600_000, betweenChunks: 600_000 })
})

const HOUR_MS = 3_600_000

/** Watches a body whose pieces come at these times; tells what ran out, if anything. */
async function watched(timeouts: Timeouts, pieces: readonly number[]): Promise<string | undefined> {
  let late: BuslineError | undefined
  const watch = new TimeoutWatch(timeouts, 'it', (error) => {
    late = error
  })
  async function* body(): AsyncGenerator<Uint8Array> {
    for (const ms of pieces) {
      await vi.advanceTimersByTimeAsync(ms)
      yield new Uint8Array(1)
    }
  }
  for await (const _piece of watch.over(body())) void 0
  watch.end()
  const phase = typeof late?.data['phase'] === 'string' ? late.data['phase'] : undefined
  late = undefined
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect(late).toBeUndefined()
  return phase
}

test('each phase has a time of its own, and each piece begins the next', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const timeouts = { firstChunk: 100, betweenChunks: 10 }
  expect(await watched(timeouts, [99, 9, 9, 9, 9])).toBeUndefined()
  expect(await watched(timeouts, [100])).toBe('firstChunk')
  expect(await watched(timeouts, [1, 9, 10])).toBe('betweenChunks')
  expect(await watched({ request: 20 }, [9, 9, 9])).toBe('request')
})

test.each([
  ['timeouts', 'null'],
  ['timeouts', '5'],
  ['timeouts', '[5]'],
  ['timeouts.firstByte', '{"firstByte":5}'],
  ['timeouts.constructor', '{"constructor":5}'],
])('what is no timeout is refused as %s: %s', (option, json) => {
  // As from JavaScript, where nobody checks.
  expect(() => openaiProvider({ timeouts: JSON.parse(json) })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', data: { option } }),
  )
})
