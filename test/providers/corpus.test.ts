import type { ServerResponse } from 'node:http'
import { BuslineError } from 'busline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readAnswer } from '../../src/providers/read-answer.ts'
import { ask } from './fixtures/ask.ts'
import { chatServer, type ChatServer } from './fixtures/chat-server.ts'
import { bytesOf, corpus, expectedReading, readingOf, type Exchange } from './fixtures/corpus.ts'
import { randomCuts, answerIn, seeded } from './fixtures/random-cuts.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const random = seeded(seed)
const exchanges = corpus()
const byId = new Map(exchanges.map((exchange) => [exchange.id, exchange]))

const CODES: Record<number, string> = {
  400: 'INVALID_REQUEST',
  401: 'AUTHENTICATION_FAILED',
  404: 'INVALID_REQUEST',
  422: 'INVALID_REQUEST',
  429: 'RATE_LIMITED',
}

test('the corpus is whole', () => {
  expect(exchanges).toHaveLength(292)
  expect(exchanges.filter(({ stream }) => stream)).toHaveLength(101)
  expect(exchanges.filter(({ expected }) => expected.error)).toHaveLength(22)
})

describe('a recorded answer is read as expected, from a server that cuts its bytes anywhere', () => {
  let server: ChatServer
  beforeAll(async () => {
    server = await chatServer((response, _number, { path }) => {
      const exchange = byId.get(path.split('/')[1] ?? '')
      if (exchange) return sendInPieces(response, exchange)
      return response.writeHead(404).end()
    })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test.each(exchanges)('$id', async (exchange) => {
    const asked = await ask({
      baseURL: server.url.replace('/v1', `/${exchange.id}/v1`),
      stream: exchange.stream,
    })

    const { error, text, reasoning } = exchange.expected
    expect(asked.texts.join(''), `SEED=${seed}`).toBe(text)
    expect(asked.reasonings.join(''), `SEED=${seed}`).toBe(reasoning ?? '')
    if (!error) {
      if (asked.error) throw asked.error
      expect(asked.answer && readingOf(asked.answer), `SEED=${seed}`).toEqual(expectedReading(exchange))
      return
    }
    expect(asked.answer, `SEED=${seed}`).toBeUndefined()
    expect(asked.error?.data).toMatchObject({
      ...(error.message !== null && { message: error.message }),
      ...(error.type !== null && { type: error.type }),
      ...(error.code !== null && { code: error.code }),
      ...(error.status !== null && { status: error.status }),
      ...(text !== '' && { text }),
    })
    if (error.status !== null) expect(asked.error?.code).toBe(CODES[error.status])
    expect(asked.error?.message).not.toContain('\n')
  })
})

test('a recorded stream is read the same from single bytes, and from one piece', async () => {
  for (const exchange of exchanges.filter(({ expected, stream }) => stream && !expected.error)) {
    const bytes = bytesOf(exchange)
    const cut = bytes.length < 20_000 ? bytes.length : 500
    for (const pieces of [[bytes], randomCuts(bytes, cut, random)]) {
      const answer = await readAnswer(answerIn(pieces), silent, 'here')
      expect(readingOf(answer), `${exchange.id} SEED=${seed}`).toEqual(expectedReading(exchange))
    }
  }
})

test('a recorded stream is read the same with other line ends, comments, a mark, or its data on several lines', async () => {
  for (const exchange of exchanges.filter(({ expected, stream }) => stream && !expected.error)) {
    const text = exchange.sse ?? ''
    const lines = text.replaceAll('\r\n', '\n')
    for (const [how, told] of Object.entries({
      crlf: lines.replaceAll('\n', '\r\n'),
      cr: lines.replaceAll('\n', '\r'),
      comments: `: hello\n\n${lines.replace(/^(?=data:)/gm, ': ping\n')}`,
      mark: `\ufeff${text}`,
      'no space': lines.replace(/^data: /gm, 'data:'),
      'several lines': lines.replace(/^data: (\{.*\})$/gm, (_line, json: string) => inLines(json)),
    })) {
      const answer = await readAnswer(answerIn(randomCuts(Buffer.from(told), 20, random)), silent, 'here')
      expect(readingOf(answer), `${exchange.id} ${how} SEED=${seed}`).toEqual(expectedReading(exchange))
    }
  }
})

test('a recorded answer is read the same under the content-type of the other kind', async () => {
  for (const exchange of exchanges.filter(({ expected }) => !expected.error)) {
    for (const type of [exchange.stream ? 'application/json' : 'text/event-stream', 'text/plain', '']) {
      const answer = await readAnswer(
        answerIn(randomCuts(bytesOf(exchange), 9, random), type),
        silent,
        'here',
      )
      expect(readingOf(answer), `${exchange.id} as ${type} SEED=${seed}`).toEqual(expectedReading(exchange))
    }
  }
})

test('a recorded body is read the same as the only event of a stream', async () => {
  for (const exchange of exchanges.filter(({ expected, stream }) => !stream && !expected.error)) {
    const told = Buffer.from(`data: ${JSON.stringify(exchange.body)}\n\ndata: [DONE]\n\n`)
    // Perplexity puts an empty delta beside its message, and beside a delta the message is a repetition.
    if (/"delta":\{/.test(told.toString())) continue
    const answer = await readAnswer(answerIn(randomCuts(told, 9, random)), silent, 'here')
    expect(readingOf(answer), `${exchange.id} SEED=${seed}`).toEqual(expectedReading(exchange))
  }
})

test('the usage of a recorded answer is kept as it was sent', async () => {
  for (const exchange of exchanges.filter(({ expected }) => !expected.error)) {
    const type = exchange.stream ? 'text/event-stream' : 'application/json'
    const answer = await readAnswer(answerIn([bytesOf(exchange)], type), silent, 'here')
    expect(answer.rawUsage ?? null, exchange.id).toEqual(exchange.expected.usage)
  }
})

test('a recorded stream that is cut off never becomes an answer that it was not', async () => {
  for (const exchange of exchanges.filter(({ expected, stream }) => stream && !expected.error)) {
    const bytes = bytesOf(exchange)
    const expected = expectedReading(exchange)
    for (let round = 0; round < 10; round++) {
      const end = Math.floor(random() * bytes.length)
      const outcome = await readAnswer(answerIn([bytes.subarray(0, end)]), silent, 'here').catch(
        (error: unknown) => error,
      )
      const hint = `${exchange.id} cut at ${end} SEED=${seed}`
      // Cut inside of an event, or between two. After the finish reason only the usage may be missing.
      if (outcome instanceof BuslineError)
        expect(['ANSWER_CUT', 'PROVIDER_FAILED'], hint).toContain(outcome.code)
      else expect({ outcome }, hint).toMatchObject({ outcome: { finishReason: expect.any(String) } })
      if (outcome instanceof Error) continue
      expect(outcome, hint).toMatchObject({ message: { role: 'assistant' } })
      expect(expected, hint).toMatchObject({ finish_reason: expect.any(String) })
    }
  }
})

const silent = { text: () => undefined, reasoning: () => undefined, toolCall: () => undefined }

/** JSON on several data lines: a line feed may stand where white space may. */
function inLines(json: string): string {
  return JSON.stringify(JSON.parse(json), null, 1)
    .split('\n')
    .map((line) => `data: ${line}`)
    .join('\n')
}

async function sendInPieces(response: ServerResponse, exchange: Exchange): Promise<void> {
  response.writeHead(exchange.status, {
    'content-type': exchange.stream ? 'text/event-stream' : 'application/json',
    ...exchange.headers,
  })
  response.socket?.setNoDelay(true)
  response.flushHeaders()
  for (const piece of randomCuts(bytesOf(exchange), 1 + Math.floor(random() * 20), random)) {
    await new Promise((sent) => {
      response.write(piece, sent)
    })
    await new Promise(setImmediate)
  }
  response.end()
}
