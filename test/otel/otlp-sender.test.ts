import type { JournalRecord } from 'busline'
import { sendOtlp, type OtlpOptions } from 'busline/otel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { otlpReceiver, type Receiver } from './fixtures/otlp-receiver.ts'

let receiver: Receiver
beforeEach(async () => {
  receiver = await otlpReceiver()
})
afterEach(() => receiver.close())

/** So many commands that ended. */
function* commands(count: number): Generator<JournalRecord> {
  for (let n = 0; n < count; n++) {
    const ids = { root: `r-${n}`, type: 'work.do' }
    yield { seq: 2 * n, time: 1000 + n, kind: 'command', id: `r-${n}`, ...ids, data: { n } }
    yield { seq: 2 * n + 1, time: 1001 + n, kind: 'result', of: `r-${n}`, ...ids, ms: 1, status: 'ok' }
  }
}

const send = (options: Partial<OtlpOptions> & { signal?: AbortSignal } = {}, count = 1) =>
  sendOtlp(commands(count), { url: receiver.url, ...options })

describe.each(['http/json', 'http/protobuf'] as const)('%s', (protocol) => {
  test.each(['gzip', 'none'] as const)(
    'is parsed by the official definitions, compression %s',
    async (compression) => {
      await send({ protocol, compression, headers: { 'x-key': 'abc' } }, 3)
      expect(receiver.spans.map(({ name }) => name)).toEqual(['work.do', 'work.do', 'work.do'])
      expect(receiver.requests).toMatchObject([{ path: '/v1/traces', headers: { 'x-key': 'abc' } }])
      expect(receiver.requests[0]?.headers['content-encoding']).toBe(
        compression === 'gzip' ? 'gzip' : undefined,
      )
    },
  )

  test('says what the server refused of a request that it took, and does not send it again', async () => {
    receiver.replies.push({ status: 200, rejected: 2, message: 'too old' })
    expect(await send({ protocol }, 5)).toMatchObject({
      spans: 5,
      accepted: 3,
      rejected: 2,
      warnings: ['too old'],
    })
    expect(receiver.requests).toHaveLength(1)
  })
})

describe('sending', () => {
  test.each([429, 502, 503, 504])('tries again after %d, when Retry-After says so', async (status) => {
    receiver.replies.push({ status, headers: { 'retry-after': '0' } })
    receiver.replies.push({ status, headers: { 'retry-after': new Date(Date.now() - 1000).toUTCString() } })
    expect(await send()).toMatchObject({ accepted: 1, requests: 1 })
    expect(receiver.requests).toHaveLength(3)
  })

  test('does not ask without pause a server that always says that it may at once', async () => {
    for (let n = 0; n < 500; n++) receiver.replies.push({ status: 429, headers: { 'retry-after': '0' } })
    await expect(send({ retryFor: 1500 })).rejects.toMatchObject({ data: { status: 429 } })
    expect(receiver.requests).toHaveLength(4)
  })

  test('waits as long as Retry-After says, and not at all when that is longer than it may', async () => {
    receiver.replies.push({ status: 503, headers: { 'retry-after': '3600' } })
    await expect(send()).rejects.toMatchObject({
      code: 'EXPORT_FAILED',
      message: expect.stringContaining('503'),
    })
    expect(receiver.requests).toHaveLength(1)
  })

  test.each([400, 401, 404, 500, 301])(
    'gives up at once at %d, and shows the status but no key',
    async (status) => {
      receiver.replies.push({ status, headers: { location: '/elsewhere' } })
      const failure = send({ headers: { authorization: 'Bearer abcdef' } })
      await expect(failure).rejects.toMatchObject({ code: 'EXPORT_FAILED', data: { status } })
      await expect(failure).rejects.toThrow(String(status))
      await expect(failure).rejects.not.toThrow('abcdef')
      expect(receiver.requests).toHaveLength(1)
    },
  )

  test('ends when the server does not answer in time', async () => {
    receiver.replies.push('hang')
    await expect(send({ timeout: 30, retryFor: 0 })).rejects.toThrow('did not answer within 30 ms')
  })

  test('ends when nobody listens there', async () => {
    await receiver.close()
    await expect(send({ retryFor: 0 })).rejects.toThrow('ECONNREFUSED')
    receiver = await otlpReceiver()
  })

  test.each([
    ['a name that is none', 'http://busline.invalid', /ENOTFOUND|EAI_AGAIN/],
    ['a port that fetch refuses', 'http://127.0.0.1:6667', /bad port/],
    ['a server that speaks no TLS', 'tls', /SSL|TLS|EPROTO/i],
  ])('gives up at once at %s', async (_, url, why) => {
    const heard: string[] = []
    const sent = send({
      url: url === 'tls' ? receiver.url.replace('http:', 'https:') : url,
      // A machine without a name server says that of any name.
      retryFor: url.endsWith('.invalid') ? 0 : 30_000,
      onRetry: (retry) => heard.push(retry.why),
    })
    await expect(sent).rejects.toThrow(why)
    await expect(sent).rejects.not.toHaveProperty('data.status')
    expect(heard).toEqual([])
  })

  test('tells why it waits, and for how long, before it tries again', async () => {
    receiver.replies.push({ status: 503, headers: { 'retry-after': '0' } })
    const heard: unknown[] = []
    await send({ onRetry: (retry) => heard.push(retry) })
    expect(heard).toEqual([{ why: 'it answered 503', wait: 0 }])
  })

  test('ends with its signal', async () => {
    receiver.replies.push('hang')
    const stop = new AbortController()
    const sending = send({ signal: stop.signal })
    setImmediate(() => stop.abort())
    await expect(sending).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('sends a long run in batches', async () => {
    expect(await send({}, 1300)).toMatchObject({ spans: 1300, accepted: 1300, requests: 3 })
    expect(new Set(receiver.spans.map(({ spanId }) => spanId)).size).toBe(1300)
  })

  test('keeps the path of a URL that has one', async () => {
    await send({ url: `${receiver.url}/api/otlp?tenant=1` })
    expect(receiver.requests).toMatchObject([{ path: '/api/otlp?tenant=1' }])
  })

  test('shows neither the query of a URL nor a header, because both may be a key', async () => {
    receiver.replies.push({ status: 401 })
    const failure = await send({ url: `${receiver.url}/v1/traces?key=abcdef` }).catch(
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ data: { url: `${receiver.url}/v1/traces`, status: 401 } })
    expect(String(failure)).not.toContain('abcdef')
    for (const headers of [{ 'authorization: Basic abcdef': '' }, { authorization: 'abcdef\nx' }])
      await expect(send({ headers })).rejects.not.toThrow('abcdef')
  })

  test('says what its body is, whatever the headers say', async () => {
    await send({ headers: { 'Content-Type': 'text/plain', 'Content-Encoding': 'br' }, compression: 'none' })
    expect(receiver.requests).toMatchObject([{ headers: { 'content-type': 'application/json' } }])
    expect(receiver.requests[0]?.headers).not.toHaveProperty('content-encoding')
  })

  test.each<[string, object]>([
    ['url', { url: 'localhost:4318' }],
    ['url', { url: 'http://me:secret@localhost' }],
    ['headers', { headers: { 'a b': 'c' } }],
    ['protocol', { protocol: 'grpc' }],
    ['compression', { compression: 'br' }],
    ['timeout', { timeout: 0 }],
    ['retryFor', { retryFor: -1 }],
    ['onRetry', { onRetry: 'loud' }],
  ])('refuses a wrong %s by its name: %j', async (option, options) => {
    const failure = send(options)
    await expect(failure).rejects.toMatchObject({ code: 'INVALID_OPTION', data: { option } })
    await expect(failure).rejects.not.toThrow('secret')
  })
})
