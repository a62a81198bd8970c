import { expect, test } from 'vitest'
import { readEvents, type ServerEvent } from '../../src/providers/read-events.ts'
import { arriving } from './fixtures/random-cuts.ts'

async function eventsOf(...pieces: (string | Uint8Array)[]): Promise<ServerEvent[]> {
  const bytes = pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece))
  return collected(arriving(bytes))
}

async function collected(source: AsyncIterable<Uint8Array>): Promise<ServerEvent[]> {
  const events: ServerEvent[] = []
  for await (const event of readEvents(source)) events.push(event)
  return events
}

async function dataOf(...pieces: (string | Uint8Array)[]): Promise<string[]> {
  return (await eventsOf(...pieces)).map(({ data }) => data)
}

test('an event ends at its blank line, whether lines end in LF, CRLF or a lone CR', async () => {
  expect(await dataOf('data: a\n\ndata: b\n\n')).toEqual(['a', 'b'])
  expect(await dataOf('data: a\r\n\r\ndata: b\r\n\r\n')).toEqual(['a', 'b'])
  expect(await dataOf('data: a\r\rdata: b\r\r')).toEqual(['a', 'b'])
  expect(await dataOf('data: a\r\n\ndata: b\n\r\n')).toEqual(['a', 'b'])
})

test('a CRLF that the network splits is one line end', async () => {
  expect(await dataOf('data: a\r', '\ndata: b\r', '\n\r', '\n')).toEqual(['a\nb'])
  expect(await dataOf('data: a\r', '', '\ndata: b\r', '\n\r', '\n')).toEqual(['a\nb'])
})

test('one space after the colon is taken off, and none is needed', async () => {
  expect(await dataOf('data:a\n\ndata:  b\n\ndata\n\n')).toEqual(['a', ' b', ''])
})

test('several data lines are one event, joined by line feeds', async () => {
  expect(await dataOf('data: {"a":\ndata: 1}\n\n')).toEqual(['{"a":\n1}'])
})

test('comments, ids, retries and unknown fields are no events', async () => {
  expect(await dataOf(': OPENROUTER PROCESSING\n\nid: 7\nretry: 10\nx: y\ndata: a\n\n:\n\n')).toEqual(['a'])
})

test('a byte order mark at the start is not part of the first field', async () => {
  expect(await dataOf(Uint8Array.of(0xef, 0xbb), Uint8Array.of(0xbf), 'data: a\n\n')).toEqual(['a'])
})

test('a character that the network splits arrives whole', async () => {
  const bytes = Buffer.from('data: é🌍中\n\n')
  expect(await dataOf(...[...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(['é🌍中'])
})

test('an event that the end leaves unterminated is delivered', async () => {
  expect(await dataOf('data: a\n\ndata: b')).toEqual(['a', 'b'])
  expect(await dataOf('data: a\n\ndata: b\n')).toEqual(['a', 'b'])
})

test('an event has the name that the server gave it, and only that event', async () => {
  expect(await eventsOf('event: error\ndata: {}\n\ndata: a\n\n')).toEqual([
    { event: 'error', data: '{}' },
    { event: 'message', data: 'a' },
  ])
})

test('a line of the field error, and an event named error without data, are error events', async () => {
  expect(await eventsOf('error: {"message":"no"}\n\nevent: error\n\n')).toEqual([
    { event: 'error', data: '{"message":"no"}' },
    { event: 'error', data: '' },
  ])
})

test('a bare JSON line counts as data', async () => {
  expect(await dataOf('{"error":{"message":"no: really"}}\n')).toEqual(['{"error":{"message":"no: really"}}'])
})

test('an event of more than 16 MB is refused, in one line or in many', async () => {
  const megabyte = 'x'.repeat(1024 * 1024)
  const line = ['data: ', ...Array.from({ length: 17 }, () => megabyte)]
  const lines = Array.from({ length: 17 }, () => `data: ${megabyte}\n`)

  await expect(dataOf(...line)).rejects.toMatchObject({ code: 'PROVIDER_FAILED' })
  await expect(dataOf(...lines)).rejects.toMatchObject({ code: 'PROVIDER_FAILED' })
})

test('a stream may be longer than one event may be', async () => {
  const event = `data: ${'x'.repeat(1024 * 1024)}\n\n`
  expect(await dataOf(...Array.from({ length: 17 }, () => event))).toHaveLength(17)
})

test('a line of megabytes in tiny pieces takes time in proportion to its length', async () => {
  const time = async (count: number): Promise<number> => {
    const piece = Buffer.from('0123456789')
    const pieces = [Buffer.from('data: '), ...Array.from({ length: count }, () => piece), Buffer.from('\n\n')]
    const start = performance.now()
    expect((await collected(arriving(pieces)))[0]?.data).toHaveLength(10 * count)
    return performance.now() - start
  }
  await time(20_000)
  const small = await time(20_000)
  // Eight times as much: quadratic work would take 64 times as long.
  expect(await time(160_000)).toBeLessThan(32 * small + 50)
})

test('what the source throws passes through', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('data: a\n\n')
    throw new Error('lost')
  }
  await expect(collected(broken())).rejects.toThrow('lost')
})
