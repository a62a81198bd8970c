import { expect, test } from 'vitest'
import { delta } from '../fixtures/chat-server.ts'
import { failure, read, stream } from './made-stream.ts'

const text = stream(delta({ content: 'é🌍' }), delta({ content: ' 中\u2028' }), delta({}, 'stop'))
const whole = 'é🌍 中\u2028'

test('comments, before and between events and inside of them, are passed over', async () => {
  const commented = `: OPENROUTER PROCESSING\n\n${text.replaceAll('\n\n', '\n: ping\n\n:\n\n')}`
  expect((await read(commented)).text).toBe(whole)
})

test('lines may end in CRLF, CR or LF, all in one stream', async () => {
  expect((await read(text.replaceAll('\n', '\r\n'))).text).toBe(whole)
  expect((await read(text.replaceAll('\n', '\r'))).text).toBe(whole)
  expect((await read(text.replace('\n\n', '\r\n\n').replace('\n\ndata', '\r\rdata'))).text).toBe(whole)
})

test('there may be no space after data:', async () => {
  expect((await read(text.replaceAll('data: ', 'data:'))).text).toBe(whole)
})

test('data over several lines is one event', async () => {
  const lines = JSON.stringify(delta({ content: 'hi' }, 'stop'), null, 2).split('\n')
  expect((await read(`${lines.map((line) => `data: ${line}\n`).join('')}\ndata: [DONE]\n\n`)).text).toBe('hi')
})

test('a byte order mark at the beginning is passed over, in a stream and in a body', async () => {
  expect((await read(`\ufeff${text}`)).text).toBe(whole)
  const body = `\ufeff${JSON.stringify({ choices: [{ message: { content: 'hi' }, finish_reason: 'stop' }] })}`
  expect((await read(body, { type: 'application/json' })).text).toBe('hi')
})

test('a character split across packets arrives whole, and is heard whole', async () => {
  const { heard } = await read(text)
  expect(heard).toEqual(['text é🌍', 'text  中\u2028'])
})

test('bytes that are no UTF-8 become replacement characters, and nothing else is lost', async () => {
  const bytes = Buffer.from(stream(delta({ content: 'a~b' }, 'stop')))
  bytes[bytes.indexOf('~')] = 0xff
  expect((await read(bytes)).text).toBe('a\ufffdb')
})

test('half of a surrogate pair in each of two pieces is one character', async () => {
  const lines = ['\\ud83c', '\\udf0d'].map(
    (half) => `data: {"choices":[{"delta":{"content":"${half}"}}]}\n\n`,
  )
  expect((await read(`${lines.join('')}data: [DONE]\n\n`)).text).toBe('🌍')
})

test('one line of megabytes is read', async () => {
  const long = 'x'.repeat(3_000_000)
  const { readAnswer } = await import('../../../src/providers/read-answer.ts')
  const { answerIn, randomCuts, seeded } = await import('../fixtures/random-cuts.ts')
  const pieces = randomCuts(Buffer.from(stream(delta({ content: long }, 'stop'))), 500, seeded(1))
  const silent = { text: () => {}, reasoning: () => {}, toolCall: () => {} }
  expect((await readAnswer(answerIn(pieces), silent, 'here')).message.content).toBe(long)
})

test('an event that is no JSON is an error, not skipped', async () => {
  expect((await failure(`data: {"choices"\n\n${text}`)).code).toBe('PROVIDER_FAILED')
})

test('events of other names, and an error with nothing in it, are passed over', async () => {
  const noise = ['event: ping\ndata: ping\n\n', 'event: ping\ndata: {"type":"ping"}\n\n']
  for (const between of noise) {
    expect((await read(text.replaceAll('\n\n', `\n\n${between}`))).text).toBe(whole)
  }
  for (const error of [{}, [], { message: '', code: null }]) {
    const chunks = [
      { ...Object(delta({ content: 'hi' })), error },
      { ...Object(delta({}, 'stop')), error },
    ]
    expect((await read(stream(...chunks))).text).toBe('hi')
  }
})
