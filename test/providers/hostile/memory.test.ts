import { expect, test } from 'vitest'
import { readAnswer } from '../../../src/providers/read-answer.ts'
import { delta } from '../fixtures/chat-server.ts'
import { events } from './made-stream.ts'

const MEGABYTE = 1024 * 1024
const silent = { text: () => undefined, reasoning: () => undefined, toolCall: () => undefined }

/** Hands out one piece again and again, up to so many bytes, then an end; and notes the largest heap on the way. */
function endless(
  piece: Buffer,
  bytes: number,
  end = '',
): { body: AsyncGenerator<Uint8Array>; sent: () => number; grown: () => number } {
  const before = process.memoryUsage().heapUsed
  let sent = 0
  let most = 0
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let count = 0; sent < bytes; count++) {
      sent += piece.length
      if (count % 200 === 0) most = Math.max(most, process.memoryUsage().heapUsed - before)
      yield piece
    }
    yield Buffer.from(end)
  }
  return { body: body(), sent: () => sent, grown: () => most }
}

function reading(body: AsyncGenerator<Uint8Array>, type = 'text/event-stream'): Promise<unknown> {
  const raw = { status: 200, headers: new Headers({ 'content-type': type }), body }
  return readAnswer({ ...raw, drain: () => undefined, cancel: () => undefined }, silent, 'here')
}

/** Many events at a time, as a network brings them. */
function block(event: string): Buffer {
  return Buffer.from(event.repeat(Math.ceil((256 * 1024) / event.length)))
}

test('200 MB of events that say nothing do not grow the heap', { timeout: 60_000 }, async () => {
  const padding = { ...Object(delta({ content: '' })), obfuscation: 'x'.repeat(2000) }
  const end = `${events(delta({ content: 'hi' }, 'stop'))}data: [DONE]\n\n`
  for (const piece of [block(events(padding)), block(': ping\n\n')]) {
    const source = endless(piece, 200 * MEGABYTE, end)
    expect(await reading(source.body)).toMatchObject({ message: { content: 'hi' } })
    // What is garbage has not been collected yet, but it is never as much as was sent.
    expect(source.grown()).toBeLessThan(120 * MEGABYTE)
  }
})

test('one endless line is refused, in a stream and in a body', { timeout: 60_000 }, async () => {
  for (const [start, type] of [
    ['data: ', 'text/event-stream'],
    [': ', 'text/event-stream'],
    ['{"a":"', 'application/json'],
  ] as const) {
    const source = endless(Buffer.from('x'.repeat(256 * 1024)), 200 * MEGABYTE)
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(start)
      yield* source.body
    }
    await expect(reading(body(), type)).rejects.toMatchObject({ code: 'PROVIDER_FAILED' })
    expect(source.sent()).toBeLessThan(66 * MEGABYTE)
  }
})

test('an answer without end is refused', { timeout: 60_000 }, async () => {
  const piece = block(events(delta({ content: 'x'.repeat(100_000) })))
  const source = endless(piece, 1000 * MEGABYTE)
  await expect(reading(source.body)).rejects.toMatchObject({
    code: 'PROVIDER_FAILED',
    message: expect.stringContaining('more than 64 MB'),
  })
  expect(source.sent()).toBeLessThan(260 * MEGABYTE)
})
