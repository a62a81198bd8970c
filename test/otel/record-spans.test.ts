import type { JournalRecord } from 'busline'
import { exportOtlp, spanIdOf, traceIdOf, type OtlpRequest, type SpanOptions } from 'busline/otel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { strangeRecords } from './fixtures/strange-records.ts'

type Span = OtlpRequest['resourceSpans'][number]['scopeSpans'][number]['spans'][number]

let seq = 0
function record(fields: Partial<JournalRecord>): JournalRecord {
  seq++
  return { seq, time: 1000 + seq, kind: 'command', type: 'a.b', root: 'r', ...fields }
}

async function spansOf(records: Iterable<JournalRecord>, options: SpanOptions = {}): Promise<Span[]> {
  const spans: Span[] = []
  for await (const { resourceSpans } of exportOtlp(records, options))
    for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans)
  return spans
}

function attribute(span: Span | undefined, name: string): unknown {
  const [value] = Object.values(span?.attributes.find(({ key }) => key === name)?.value ?? {})
  return value
}

describe('a command', () => {
  test('without a result ends with the run, interrupted', async () => {
    const [span] = await spansOf([
      record({ id: 'r', time: 1000 }),
      record({ kind: 'note', type: 'bus.x', time: 1500 }),
    ])
    expect(span).toMatchObject({
      startTimeUnixNano: '1000000000',
      endTimeUnixNano: '1500000000',
      status: { code: 2, message: 'interrupted' },
    })
    expect(attribute(span, 'busline.status')).toBe('interrupted')
  })

  test('of which the run has the result only began as long before as it took', async () => {
    const [span] = await spansOf([
      record({ kind: 'result', of: 'r.1', cause: 'r', time: 5000, ms: 750, status: 'ok' }),
    ])
    expect(span).toMatchObject({
      spanId: spanIdOf('r.1'),
      parentSpanId: spanIdOf('r'),
      traceId: traceIdOf('r'),
      startTimeUnixNano: '4250000000',
      endTimeUnixNano: '5000000000',
    })
  })

  test('keeps microseconds exactly', async () => {
    const time = 1795274727609.123
    const [span] = await spansOf([
      record({ id: 'r', time }),
      record({ kind: 'result', of: 'r', time: time + 1, ms: 0.457, status: 'ok' }),
    ])
    expect(span).toMatchObject({
      startTimeUnixNano: '1795274727609123000',
      endTimeUnixNano: '1795274727609580000',
    })
  })

  test('caused by a piece of a stream hangs below who streams, though its batch is written later', async () => {
    const spans = await spansOf([
      record({ id: 'r', type: 'model.call' }),
      record({ id: 'r.1.1', cause: 'r.1' }),
      record({
        kind: 'event',
        type: 'model.textReceived',
        id: 'r.1',
        cause: 'r',
        data: { deltas: [[0, 'a']] },
      }),
    ])
    expect(spans.find(({ spanId }) => spanId === spanIdOf('r.1.1'))?.parentSpanId).toBe(spanIdOf('r'))
  })

  test('that runs for long stays the parent of what it causes, whatever came between', async () => {
    const between = Array.from({ length: 41_000 }, (_, n) =>
      record({ kind: 'event', type: 'e.f', id: `r.x${n}`, cause: 'r' }),
    )
    const spans = await spansOf([
      record({ id: 'r' }),
      record({ id: 'r.1', cause: 'r' }),
      ...between,
      record({ kind: 'result', of: 'r', status: 'ok', ms: 0 }),
      record({ id: 'r.1.1', cause: 'r.1' }),
    ])
    expect(spans.find(({ spanId }) => spanId === spanIdOf('r.1.1'))?.parentSpanId).toBe(spanIdOf('r.1'))
  })

  test('is none of its own parents', async () => {
    const [span] = await spansOf([record({ id: 'r', cause: 'r' })])
    expect(span?.parentSpanId).toBeUndefined()
  })
})

test('what a killed process left open ends with its last line, not with that of the next process', async () => {
  const spans = await spansOf([
    record({ id: 'a-1', root: 'a-1', time: 1000 }),
    record({
      kind: 'event',
      type: 'span.started',
      id: 'a-1.1',
      cause: 'a-1',
      time: 1100,
      data: { span: 's', name: 'plan' },
    }),
    record({ kind: 'header', type: 'busline.journal', time: 9000 }),
    record({ kind: 'note', type: 'bus.recovered', time: 9000 }),
    record({ kind: 'note', type: 'bus.opened', time: 9000 }),
    record({ id: 'b-1', root: 'b-1', time: 9100 }),
    record({ kind: 'result', of: 'b-1', root: 'b-1', time: 9200, ms: 100, status: 'ok' }),
  ])
  expect(spans.map(({ name, endTimeUnixNano: end }) => [name, end])).toEqual([
    ['a.b', '1100000000'],
    ['plan', '1100000000'],
    ['a.b', '9200000000'],
  ])
  expect(attribute(spans[0], 'error.type')).toBe('interrupted')
})

test('no half of a character goes out, which a server would refuse the whole request for', async () => {
  const half = '\ud83d'
  const spans = await spansOf(
    [
      record({
        id: 'r',
        type: 'tool.call',
        data: { name: `tool${half}`, arguments: `${'x'.repeat(9_999)}😀` },
      }),
      record({ kind: 'event', type: `e.${half}`, id: `r.${half}`, cause: 'r' }),
      record({
        kind: 'result',
        of: 'r',
        type: 'tool.call',
        ms: 1,
        status: 'error',
        error: { code: 'E', name: 'E', message: half },
      }),
    ],
    { content: true },
  )
  const texts: string[] = []
  JSON.stringify(spans, (key, value: unknown) => {
    texts.push(key)
    if (typeof value === 'string') texts.push(value)
    return value
  })
  expect(texts).toContain(`execute_tool tool\ufffd`)
  expect(texts.filter((text) => /\p{Surrogate}/u.test(text))).toEqual([])
})

test('what is nested deeper than JSON can be written is said to be so', async () => {
  const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
  const [span] = await spansOf(
    [record({ id: 'r', type: 'tool.call', data: { name: 'x', arguments: deep } })],
    {
      content: true,
    },
  )
  expect(attribute(span, 'gen_ai.tool.call.arguments')).toBe('"[nested too deep to be written]"')
})

test('what a model thought is a part of its answer, before what it said', async () => {
  const message = { role: 'assistant', content: 'Two.', reasoning_content: 'One and one.' }
  const end = {
    kind: 'result',
    type: 'model.call',
    of: 'r',
    ms: 1,
    status: 'ok',
    output: { message },
  } as const
  const [span] = await spansOf([record({ id: 'r', type: 'model.call', data: {} }), record(end)], {
    content: true,
    semconv: 'latest',
  })
  expect(JSON.parse(String(attribute(span, 'gen_ai.output.messages')))).toEqual([
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', content: 'One and one.' },
        { type: 'text', content: 'Two.' },
      ],
    },
  ])
})

test('the message of an error is cut like any text', async () => {
  const error = { code: 'E', name: 'E', message: 'x'.repeat(50_000) }
  const run = [record({ id: 'r' }), record({ kind: 'result', of: 'r', ms: 1, status: 'error', error })]
  const [span] = await spansOf(run, { content: true })
  expect(span?.status.message).toHaveLength(10_001)
})

describe('an event', () => {
  test('that comes when its command has ended is a span without length below it', async () => {
    const spans = await spansOf([
      record({ id: 'r' }),
      record({ kind: 'result', of: 'r', status: 'ok', ms: 1 }),
      record({ kind: 'event', type: 'late.event', id: 'r.1', cause: 'r' }),
      record({ id: 'r.1.1', type: 'after.it', cause: 'r.1' }),
    ])
    const late = spans.find(({ name }) => name === 'late.event')
    expect(late?.parentSpanId).toBe(spanIdOf('r'))
    expect(late?.startTimeUnixNano).toBe(late?.endTimeUnixNano)
    expect(spans.find(({ name }) => name === 'after.it')?.parentSpanId).toBe(late?.spanId)
  })

  test('that is one too many for its span is counted', async () => {
    const events = Array.from({ length: 200 }, (_, n) =>
      record({ kind: 'event', type: 'e.f', id: `r.${n}`, cause: 'r' }),
    )
    const [span] = await spansOf([record({ id: 'r' }), ...events])
    expect([span?.events.length, span?.droppedEventsCount]).toEqual([128, 72])
  })
})

test('a span of your own has its name, its parent and its attributes', async () => {
  const started = (data: object): JournalRecord =>
    record({ kind: 'event', type: 'span.started', id: `r.${seq}`, cause: 'r', data })
  const ended = (data: object): JournalRecord =>
    record({ kind: 'event', type: 'span.ended', id: `r.${seq}`, cause: 'r', data })
  const spans = await spansOf([
    record({ id: 'r' }),
    started({ span: 'outer', name: 'plan', attributes: { steps: 3 } }),
    started({ span: 'inner', name: 'think', parent: 'outer' }),
    ended({ span: 'inner', name: 'think', ms: 2, status: 'error', error: { code: 'NO_IDEA' } }),
    ended({ span: 'outer', name: 'plan', ms: 5, status: 'ok', attributes: { done: true } }),
    record({ kind: 'result', of: 'r', status: 'ok', ms: 9 }),
  ])
  expect(spans.map(({ name, parentSpanId }) => [name, parentSpanId])).toEqual([
    ['think', spanIdOf('outer')],
    ['plan', spanIdOf('r')],
    ['a.b', undefined],
  ])
  expect([
    attribute(spans[0], 'error.type'),
    attribute(spans[1], 'steps'),
    attribute(spans[1], 'done'),
  ]).toEqual(['NO_IDEA', '3', true])
})

test('what the conventions renamed has the name of the version that is asked for', async () => {
  const run = [
    record({ id: 'r', type: 'model.call', data: { model: 'm', reasoningEffort: 'low', stop: ['x'] } }),
    record({
      kind: 'result',
      type: 'model.call',
      of: 'r',
      ms: 1,
      status: 'ok',
      output: { provider: 'mistral', usage: { inputTokens: 10, outputTokens: 2, cacheWriteTokens: 5 } },
    }),
  ]
  const [old] = await spansOf(run)
  const [latest] = await spansOf(run, { semconv: 'latest' })
  expect(attribute(old, 'gen_ai.usage.cache_creation.input_tokens')).toBe('5')
  expect(attribute(old, 'gen_ai.usage.cache_write.input_tokens')).toBeUndefined()
  expect(attribute(old, 'gen_ai.request.reasoning.level')).toBeUndefined()
  expect(attribute(latest, 'gen_ai.usage.cache_write.input_tokens')).toBe('5')
  expect(attribute(latest, 'gen_ai.usage.cache_creation.input_tokens')).toBeUndefined()
  expect(attribute(latest, 'gen_ai.request.reasoning.level')).toBe('low')
  expect(attribute(latest, 'gen_ai.provider.name')).toBe('mistral_ai')
})

test('whatever records hold, what comes out is OTLP with valid ids and no span before its start', async () => {
  await fc.assert(
    fc.asyncProperty(strangeRecords, async (records) => {
      for (const span of await spansOf(records, { content: true })) {
        expect(span.traceId).toMatch(/^[0-9a-f]{32}$/)
        expect(span.spanId).toMatch(/^[0-9a-f]{16}$/)
        expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano))
      }
    }),
    { numRuns: 150 },
  )
})
