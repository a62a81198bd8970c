import { expect, test } from 'vitest'
import { delta, says } from '../fixtures/chat-server.ts'
import { hostileTurn, sends } from './hostile-turn.ts'
import { events, failure, piece, read, stream } from './made-stream.ts'

const begun = events(delta({ content: 'he' }))

test('an error object inside of a stream is that error, with its code', async () => {
  const error = await failure(begun + events({ error: { message: 'slow down', code: 429 } }))
  expect(error).toMatchObject({ code: 'RATE_LIMITED', data: { message: 'slow down', status: 429 } })
  expect(await failure(begun + events({ error: 'no' }))).toMatchObject({ code: 'PROVIDER_FAILED' })
})

test('an error after a whole call runs nothing', async () => {
  const calls = delta({ tool_calls: [piece({ index: 0, id: 'a', name: 'send', arguments: '{"to":"x"}' })] })
  const { ran, error } = await hostileTurn(sends(events(calls, { error: { message: 'no', code: 400 } })))
  expect(ran).toEqual([])
  expect(error).toMatchObject({ code: 'INVALID_REQUEST' })
})

test('an event named error is an error, whatever its data', async () => {
  for (const data of ['{"error":{"message":"no"}}', '{"message":"no"}', 'no', '"no"']) {
    expect((await failure(`${begun}event: error\ndata: ${data}\n\n`)).message).toContain('no')
  }
  expect((await failure(`${begun}event: error\n\n`)).code).toBe('PROVIDER_FAILED')
})

test('an HTML page or plain text with 200 is an error that shows its beginning', async () => {
  for (const type of ['text/html', 'text/event-stream', 'application/json']) {
    const error = await failure('<!DOCTYPE html><title>Log in</title>', { type })
    expect(error.code).toBe('PROVIDER_FAILED')
    expect(error.message).toContain('an HTML page: «<!DOCTYPE html>')
  }
  for (const type of ['text/plain', 'text/event-stream']) {
    const error = await failure('upstream connect error: reset before headers', { type })
    expect(error.code).toBe('PROVIDER_FAILED')
    expect(error.message).toContain('«upstream connect error')
  }
  expect((await failure('Service Unavailable', { type: 'text/plain' })).code).toBe('PROVIDER_FAILED')
})

test('a JSON body where a stream was asked for is the answer, or the error', async () => {
  const body = says('hi')
  for (const text of [JSON.stringify(body), JSON.stringify(body, null, 2), `\n\n${JSON.stringify(body)}\n`]) {
    for (const type of ['application/json', 'text/event-stream', '']) {
      const { text: said, finishReason } = await read(text, { type })
      expect({ said, finishReason }).toEqual({ said: 'hi', finishReason: 'stop' })
    }
  }
  const error = JSON.stringify({ error: { message: 'no', code: 401 } }, null, 2)
  for (const type of ['application/json', 'text/event-stream']) {
    expect((await failure(error, { type })).code).toBe('AUTHENTICATION_FAILED')
    expect((await failure(`${JSON.stringify(JSON.parse(error))}\n\n`, { type })).code).toBe(
      'AUTHENTICATION_FAILED',
    )
  }
})

test('a JSON body that was cut off is no answer', async () => {
  const text = JSON.stringify(says('hi'))
  expect((await failure(text.slice(0, -5), { type: 'application/json' })).code).toBe('PROVIDER_FAILED')
})

test('the calls of a body are each a call, whatever index and id they share', async () => {
  const call = { id: 'a', index: 0, function: { name: 'f', arguments: '{"x":1}' } }
  const body = JSON.stringify({
    choices: [
      {
        message: { content: null, tool_calls: [call, call, { function: call.function }] },
        finish_reason: 'stop',
      },
    ],
  })
  const { calls } = await read(body, { type: 'application/json' })
  expect(calls).toEqual(['a f {"x":1}', 'a f {"x":1}', '- f {"x":1}'])
})

test('a stream where a body was asked for is read while it arrives', async () => {
  const text = `: hello\n\n${stream(delta({ content: 'h' }), delta({ content: 'i' }, 'stop'))}`
  for (const type of ['application/json', 'text/plain', '']) {
    const { text: said, heard } = await read(text, { type })
    expect(said).toBe('hi')
    expect(heard).toEqual(['text h', 'text i'])
  }
})

test('a stream that begins with a bare JSON line is read all the same', async () => {
  const first = JSON.stringify(delta({ content: 'a' }))
  const { text } = await read(`${first}\n\n${stream(delta({ content: 'b' }, 'stop'))}`)
  expect(text).toBe('ab')
})
