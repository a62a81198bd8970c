import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defineCommand, defineEvent, memoryJournal, MessageBus, type JournalRecord } from 'busline'
import {
  openTelemetry,
  otlpExporter,
  sendOtlp,
  SpanExportFailed,
  spanIdOf,
  traceIdOf,
  type FinishedSpan,
  type SpanExporter,
  type SpanOptions,
} from 'busline/otel'
import { testBus } from 'busline/testing'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { otlpReceiver, type ReceivedSpan, type Receiver } from './fixtures/otlp-receiver.ts'
import { realRun } from './fixtures/real-run.ts'

const Work = defineCommand('work.do', { input: z.object({ what: z.string() }), output: z.string() })
const Tidy = defineCommand('work.tidy', { input: z.object({}), output: z.string() })
const Done = defineEvent('work.done', { data: z.object({}) })

let receiver: Receiver
beforeEach(async () => {
  receiver = await otlpReceiver()
})
afterEach(() => receiver.close())

/** Collects what it is given. */
function collector(): SpanExporter & { spans: FinishedSpan[] } {
  const spans: FinishedSpan[] = []
  return {
    spans,
    export(batch, done) {
      spans.push(...batch)
      done({ code: 0 })
    },
  }
}

const ordered = (spans: readonly ReceivedSpan[]): ReceivedSpan[] =>
  spans.toSorted((a, b) => a.traceId.localeCompare(b.traceId) || a.spanId.localeCompare(b.spanId))

const one = (spans: readonly ReceivedSpan[], id: string): ReceivedSpan | undefined =>
  spans.find(({ spanId }) => spanId === spanIdOf(id))

describe('a real run', () => {
  let records: JournalRecord[] = []
  beforeAll(async () => {
    records = await realRun()
  })

  test.each<[string, SpanOptions]>([
    ['1.41 without content', {}],
    ['latest with content', { semconv: 'latest', content: true, agent: 'weatherman' }],
  ])('gives the same spans live and from its file: %s', async (_, options) => {
    // The official exporter writes protobuf, ours JSON with gzip: the receiver sees no difference.
    const official = new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` })
    const told = await realRun(openTelemetry({ ...options, exporter: official, delay: 0 }))
    const live = receiver.spans.splice(0)
    const report = await sendOtlp(told, { ...options, url: receiver.url })

    expect(live.length).toBeGreaterThan(50)
    expect(ordered(live)).toEqual(ordered(receiver.spans))
    expect(report).toEqual({
      spans: live.length,
      accepted: live.length,
      rejected: 0,
      requests: 1,
      warnings: [],
    })
    await official.shutdown()
  })

  test('has a span for each command, in the trace of its root, below its cause', async () => {
    await sendOtlp(records, { url: receiver.url, protocol: 'http/protobuf' })
    const commands = records.filter(({ kind }) => kind === 'command')
    expect(receiver.spans).toHaveLength(commands.length)
    for (const { id = '', cause, root = '', time } of commands) {
      const span = one(receiver.spans, id)
      expect(span).toMatchObject({
        traceId: traceIdOf(root),
        parentSpanId: cause === undefined ? '' : spanIdOf(cause),
        attributes: { 'busline.id': id },
      })
      expect(Number(BigInt(span?.start ?? 0) / 1000n)).toBe(Math.round(time * 1000))
    }
    expect(new Set(receiver.spans.map(({ traceId }) => traceId)).size).toBe(
      commands.filter(({ cause }) => cause === undefined).length,
    )
  })

  test('names model calls, tool calls and turns as the conventions do', async () => {
    await sendOtlp(records, { url: receiver.url, agent: 'weatherman' })
    const named = (name: string): ReceivedSpan[] => receiver.spans.filter((span) => span.name === name)

    expect(named('chat gpt-4o-mini').map(({ kind }) => kind)).toEqual(
      records.filter(({ kind, type }) => kind === 'command' && type === 'model.call').map(() => 3),
    )
    expect(named('chat gpt-4o-mini')[0]).toMatchObject({
      status: { code: 0, message: '' },
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'busline-offline',
        'gen_ai.conversation.id': 'one',
        'gen_ai.response.model': 'gpt-4o-mini',
        'gen_ai.response.finish_reasons': ['tool_calls'],
        'gen_ai.usage.input_tokens': expect.any(Number),
        'gen_ai.usage.output_tokens': expect.any(Number),
        'busline.cost_usd': 0,
      },
    })
    expect(named('execute_tool get_weather').map(({ kind }) => kind)).toEqual(Array(5).fill(1))
    expect(named('invoke_agent weatherman')).toHaveLength(4)
    expect(named('invoke_agent weatherman')[0]?.attributes).toMatchObject({
      'gen_ai.agent.name': 'weatherman',
      'gen_ai.provider.name': 'busline-offline',
    })
  })

  test('says how a tool failed and that a turn was cancelled', async () => {
    await sendOtlp(records, { url: receiver.url })
    const failed = receiver.spans.filter(({ status }) => status.code === 2)
    expect(failed).toMatchObject([
      {
        name: 'execute_tool get_weather',
        status: { message: 'HANDLER_FAILED' },
        attributes: { 'error.type': 'HANDLER_FAILED', 'busline.status': 'error' },
      },
    ])
    const cancelled = receiver.spans.filter(({ attributes }) => attributes['busline.status'] === 'cancelled')
    expect(cancelled.map(({ name }) => name).toSorted()).toEqual(['execute_tool calculate', 'invoke_agent'])
    for (const { attributes } of cancelled) expect(attributes).not.toHaveProperty('error.type')
  })

  test('tells how long the first piece of a streamed answer took', async () => {
    await sendOtlp(records, { url: receiver.url })
    const chats = receiver.spans.filter(({ name }) => name.startsWith('chat '))
    for (const { attributes, start, end } of chats) {
      const seconds = attributes['gen_ai.response.time_to_first_chunk']
      expect(seconds).toBeTypeOf('number')
      expect(Number(seconds) * 1e9).toBeLessThanOrEqual(Number(BigInt(end) - BigInt(start)) + 2e6)
      expect(attributes['gen_ai.request.stream']).toBe(true)
    }
  })

  test('keeps what was said to itself, unless it is asked for', async () => {
    const words = /Paris|Atlantis|sank|know the weather|sunny/
    await sendOtlp(records, { url: receiver.url })
    expect(JSON.stringify(receiver.spans)).not.toMatch(words)

    receiver.spans.length = 0
    await sendOtlp(records, { url: receiver.url, content: true })
    const chat = receiver.spans.findLast(
      ({ name, attributes }) =>
        name.startsWith('chat ') &&
        attributes['gen_ai.conversation.id'] === 'one' &&
        String(attributes['gen_ai.response.finish_reasons']) === 'stop',
    )
    const parsed = (name: string): unknown => JSON.parse(String(chat?.attributes[name]))
    expect(parsed('gen_ai.system_instructions')).toEqual([{ type: 'text', content: 'You know the weather.' }])
    expect(parsed('gen_ai.input.messages')).toEqual(
      expect.arrayContaining([
        {
          role: 'user',
          parts: [{ type: 'text', content: "What's the weather in Paris, Rome and Berlin?" }],
        },
        {
          role: 'assistant',
          parts: expect.arrayContaining([
            {
              type: 'tool_call',
              id: 'call_1',
              name: 'get_weather',
              arguments: expect.objectContaining({ location: 'Paris' }),
            },
          ]),
        },
        {
          role: 'tool',
          parts: [{ type: 'tool_call_response', id: 'call_1', response: expect.stringContaining('sunny') }],
        },
      ]),
    )
    expect(parsed('gen_ai.output.messages')).toMatchObject([{ role: 'assistant', finish_reason: 'stop' }])
  })
})

describe('events', () => {
  /** Work publishes Done, whose subscriber tidies up. */
  function workshop(bus: MessageBus): void {
    bus.handle(Work, ({ what }, scope) => {
      scope.publish(Done, {})
      return what
    })
    bus.handle(Tidy, () => 'tidy')
    bus.on(Done, async (_, scope) => void (await scope.execute(Tidy, {})))
  }

  test('are events of the span in which they were published, and what they cause hangs below that span', async () => {
    const { bus, journal } = testBus()
    workshop(bus)
    await bus.track((sender) => sender.execute(Work, { what: 'x' }))
    await bus.stop()
    await sendOtlp(journal.records, { url: receiver.url })

    const [work, tidy] = ['work.do', 'work.tidy'].map((name) =>
      receiver.spans.find((span) => span.name === name),
    )
    expect(receiver.spans).toHaveLength(2)
    expect(work?.events.map(({ name }) => name)).toEqual(['work.done'])
    expect(tidy).toMatchObject({ traceId: work?.traceId, parentSpanId: work?.spanId })
  })

  test('are spans without length where no command published them, and above what they cause', async () => {
    const { bus, journal } = testBus()
    workshop(bus)
    await bus.track((sender) => void sender.publish(Done, {}))
    await bus.stop()
    await sendOtlp(journal.records, { url: receiver.url })

    const [done, tidy] = ['work.done', 'work.tidy'].map((name) =>
      receiver.spans.find((span) => span.name === name),
    )
    expect(done).toMatchObject({ parentSpanId: '', start: done?.end })
    expect(tidy).toMatchObject({ traceId: done?.traceId, parentSpanId: done?.spanId })
  })
})

describe('a live export', () => {
  test('shows no secret, with content too', async () => {
    const exporter = collector()
    const bus = new MessageBus()
    bus.secret('sk-12345678901234')
    bus.attach(openTelemetry({ exporter, content: true }))
    bus.handle(Work, () => {
      throw new Error('no access with sk-12345678901234')
    })
    await bus.execute(Work, { what: 'sk-12345678901234' }).catch(() => undefined)
    await bus.stop()
    expect(exporter.spans).toMatchObject([
      { name: 'work.do', status: { message: 'no access with [secret]' } },
    ])
    expect(JSON.stringify(exporter.spans)).not.toContain('sk-1234')
  })

  test('sends after the delay, by the clock of the bus', async () => {
    const { bus, clock } = testBus()
    const exporter = collector()
    bus.attach(openTelemetry({ exporter, delay: 500 }))
    bus.handle(Work, ({ what }) => what)
    await bus.execute(Work, { what: 'x' })
    await clock.advance(499)
    expect(exporter.spans).toHaveLength(0)
    await clock.advance(1)
    expect(exporter.spans).toHaveLength(1)
    await bus.stop()
    expect(exporter.spans).toHaveLength(1)
  })

  test('ends with what still runs when it is detached, as interrupted', async () => {
    const { bus } = testBus()
    const exporter = collector()
    const detach = bus.attach(openTelemetry({ exporter }))
    let release: (result: string) => void = () => undefined
    bus.handle(Work, async () => new Promise<string>((resolve) => (release = resolve)))
    const work = bus.execute(Work, { what: 'x' })
    detach()
    release('done')
    await work
    await bus.stop()
    expect(exporter.spans).toMatchObject([
      { name: 'work.do', status: { code: 2 }, attributes: { 'error.type': 'interrupted' } },
    ])
  })

  test.each<[string, SpanExporter['export'], RegExp]>([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
      /broken/,
    ],
    ['reports a failure', (_, done) => done({ code: 1, error: new Error('refused') }), /refused/],
    ['never answers', () => undefined, /did not end within 5 ms/],
  ])('goes on, and says so once, when its exporter %s', async (_, run, reason) => {
    const { bus, clock, journal } = testBus()
    bus.attach(openTelemetry({ exporter: { export: run }, delay: 10, exportTimeout: 5, flushTimeout: 50 }))
    bus.handle(Work, ({ what }) => what)
    for (let round = 0; round < 3; round++) {
      expect(await bus.execute(Work, { what: 'x' })).toBe('x')
      const told = bus.waitFor(SpanExportFailed).catch(() => undefined)
      await clock.advance(10)
      if (round === 0) await told
    }
    await bus.stop()
    const told = journal.records.filter(({ type }) => type === 'otel.exportFailed')
    expect(told).toHaveLength(1)
    expect(told[0]).toMatchObject({ data: { lost: 1, error: { message: expect.stringMatching(reason) } } })
  })

  test('keeps no more than maxQueue spans for a server that does not answer, and counts what it loses', async () => {
    const { bus, clock, journal } = testBus()
    const batches: number[] = []
    const answers: (() => void)[] = []
    const exporter: SpanExporter = {
      export: (spans, done) => {
        batches.push(spans.length)
        answers.push(() => done({ code: 0 }))
      },
    }
    bus.attach(openTelemetry({ exporter, maxQueue: 10, delay: 10 }))
    bus.handle(Work, ({ what }) => what)
    for (let count = 0; count < 25; count++) await bus.execute(Work, { what: 'x' })
    await clock.advance(10)
    expect(batches).toEqual([10])
    answers[0]?.()
    await bus.waitFor(SpanExportFailed)
    await bus.stop()
    const told = journal.records.filter(({ type }) => type === 'otel.exportFailed')
    expect(told).toMatchObject([{ data: { lost: 15, error: { code: 'EXPORT_FAILED' } } }])
  })

  test('makes no stop fail or wait long when the server is down', async () => {
    await receiver.close()
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const bus = new MessageBus({ journal: memoryJournal() })
    bus.attach(openTelemetry({ exporter: otlpExporter({ url: receiver.url }), flushTimeout: 100 }))
    bus.handle(Work, ({ what }) => what)
    await bus.execute(Work, { what: 'x' })
    const before = performance.now()
    await expect(bus.stop()).resolves.toMatchObject({ abandoned: [] })
    expect(performance.now() - before).toBeLessThan(900)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', onWarning)
    expect(warnings).toMatchObject([{ code: 'EXPORT_FAILED' }])
    receiver = await otlpReceiver()
  })

  test('keeps no request open, and sends no other, when a server does not answer before the bus has stopped', async () => {
    receiver.replies.push('hang')
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const bus = new MessageBus()
    const exporter = otlpExporter({ url: receiver.url, timeout: 60_000 })
    bus.attach(openTelemetry({ exporter, delay: 60_000, flushTimeout: 100 }))
    bus.handle(Work, ({ what }) => what)
    const arrived = receiver.hangs()
    for (let count = 0; count < 600; count++) await bus.execute(Work, { what: 'x' })
    await arrived
    await bus.stop()
    await receiver.hungUp[0]
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', onWarning)
    expect(receiver.requests).toHaveLength(1)
    expect(warnings).toMatchObject([{ message: expect.stringContaining('600 spans were given up') }])
  })

  test('gives up a batch that is later than exportTimeout', async () => {
    receiver.replies.push('hang')
    const bus = new MessageBus()
    const exporter = otlpExporter({ url: receiver.url, timeout: 60_000 })
    bus.attach(openTelemetry({ exporter, delay: 0, exportTimeout: 50 }))
    bus.handle(Work, ({ what }) => what)
    const told = bus.waitFor(SpanExportFailed)
    await bus.execute(Work, { what: 'x' })
    await told
    await receiver.hungUp[0]
    await bus.stop()
  })

  test('refuses options that mean nothing, by their names', () => {
    const exporter = collector()
    const refused = (options: object): unknown => {
      try {
        return openTelemetry({ exporter, ...options })
      } catch (error) {
        return error
      }
    }
    for (const [option, value] of Object.entries({
      exporter: {},
      delay: -1,
      maxQueue: 0,
      semconv: '1.2',
      flushTimeout: NaN,
    }))
      expect(refused({ [option]: value })).toMatchObject({ code: 'INVALID_OPTION', data: { option } })
  })
})

test('a record of a redrive or a replay gives the ids that it gave before', async () => {
  const records: JournalRecord[] = [
    { seq: 1, time: 1000, kind: 'command', type: 'a.b', id: 'x-1', root: 'x-1' },
    { seq: 2, time: 1001, kind: 'result', type: 'a.b', of: 'x-1', root: 'x-1', ms: 1, status: 'ok' },
  ]
  await sendOtlp(records, { url: receiver.url })
  await sendOtlp(records, { url: receiver.url })
  const [first, second] = receiver.spans
  expect(first).toEqual(second)
  expect(first).toMatchObject({ traceId: traceIdOf('x-1'), spanId: spanIdOf('x-1') })
})
