import { linesOfRecords, RunStats, runStats, type JournalRecord, type RunReport } from 'busline/journal'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answer, batchOf, modelCall, recordsOf } from './fixtures/records.ts'

const turn = { session: 's1', turn: 't' }
const RUN = recordsOf(
  { kind: 'header', type: 'busline.journal', data: { run: 'r' } },
  { ...turn, kind: 'command', type: 'chat.runTurn', id: 't', data: { text: 'Hi' } },
  ...modelCall('t.1', { ...turn, cause: 't', ms: 10 }),
  {
    ...turn,
    kind: 'command',
    type: 'tool.call',
    id: 't.2',
    cause: 't',
    data: { call: 'c', name: 'look_up', arguments: {} },
  },
  {
    ...turn,
    kind: 'result',
    type: 'tool.call',
    of: 't.2',
    cause: 't',
    status: 'error',
    ms: 3,
    error: { code: 'TIMED_OUT', name: 'BuslineError', message: 'late' },
  },
  ...modelCall('t.3', { ...turn, cause: 't', ms: 30, output: answer(20, 7, null) }),
  { ...turn, kind: 'result', type: 'chat.runTurn', of: 't', status: 'ok', ms: 50, output: {} },
)

async function reportOf(records: readonly JournalRecord[]): Promise<RunReport> {
  return runStats(batchOf(records))
}

describe('the stats of a run', () => {
  test('count what ended how, by type, tool, model and session', async () => {
    const { lines, kinds, firstTime, lastTime, turns, all, models, tools, sessions, types } =
      await reportOf(RUN)

    expect({ lines, kinds, firstTime, lastTime }).toEqual({
      lines: 9,
      kinds: { header: 1, command: 4, result: 4 },
      firstTime: 1000,
      lastTime: 1008,
    })
    expect(turns).toEqual({ count: 1, ok: 1, error: 0, cancelled: 0, timeout: 0, interrupted: 0, steps: 2 })
    expect(all).toMatchObject({ by: 'all', key: null, calls: 4, ok: 3, error: 1, errors: { TIMED_OUT: 1 } })
    expect(models.map(({ key, calls }) => [key, calls])).toEqual([['m1', 2]])
    expect(tools).toMatchObject([{ key: 'look_up', calls: 1, ok: 0, error: 1, ms: { count: 1, max: 3 } }])
    expect(sessions).toMatchObject([{ key: 's1', calls: 4, modelCalls: 2, ms: { count: 1, p50: 50 } }])
    expect(types.map(({ key }) => key)).toEqual(['model.call', 'chat.runTurn', 'tool.call'])
  })

  test('sum tokens and cost of all model calls, and count those whose cost nobody knows', async () => {
    const { models } = await reportOf(RUN)

    expect(models[0]).toMatchObject({
      tokens: { input: 30, output: 12, cached: 8, reasoning: 4 },
      cost: 0.5,
      costUnknown: 1,
      usageUnknown: 0,
      tokensPerSecond: 300,
    })
  })

  test('know a row for each turn only when they are asked for', () => {
    const rowsWith = (turnRows: boolean): readonly object[] => {
      const stats = new RunStats({ turnRows })
      for (const line of batchOf(RUN)[0]) stats.take(line)
      return [...stats.turns.rows]
    }

    expect(rowsWith(false)).toEqual([])
    expect(rowsWith(true)).toMatchObject([
      {
        by: 'turn',
        key: 't',
        line: 2,
        ms: 50,
        status: 'ok',
        steps: 2,
        modelCalls: 2,
        toolCalls: 1,
        cost: 0.5,
        costUnknown: 1,
      },
    ])
  })

  test('hold the rows of thousands of turns, those that failed and went on and that are open among them, in order', () => {
    const turns = Array.from({ length: 2500 }, (_, place) => `t${place}`)
    const part = (id: string, command: string, type: string, status: string) => {
      const about = { turn: id, session: `s-${id.length}` }
      const under = { ...about, cause: command, output: answer(10, 5, 0.25) }
      return [
        { kind: 'command', type, id: command, ...about },
        ...modelCall(`${command}.1`, under),
        { kind: 'result', type, of: command, ...about, status, ms: 7, ...failureWith(status) },
      ]
    }
    const failureWith = (status: string) =>
      status === 'ok' ? {} : { error: { code: 'RATE_LIMITED', name: 'E', message: '' } }
    const stats = new RunStats({ turnRows: true })
    const lines = batchOf(
      recordsOf(
        ...turns.flatMap((id, place) => part(id, id, 'chat.runTurn', place % 2 === 0 ? 'ok' : 'error')),
        ...part('t1', 'again-1', 'chat.continueTurn', 'ok'),
        ...part('t3', 'again-3', 'chat.continueTurn', 'ok').slice(0, -1),
      ),
    )[0]
    for (const line of lines) stats.take(line)
    const merged = new RunStats({ turnRows: true })
    merged.merge(stats)

    const rows = [...stats.turns.rows]
    expect(rows.map(({ key }) => key)).toEqual(turns)
    expect([...merged.turns.rows]).toEqual(rows)
    const once = {
      session: 's-2',
      ms: 7,
      modelCalls: 1,
      steps: 1,
      cost: 0.25,
      usageUnknown: 0,
      costUnknown: 0,
    }
    expect(rows[0]).toMatchObject({ ...once, status: 'ok', error: null, line: 1, startedAt: 1000 })
    expect(rows[1]).toMatchObject({ modelCalls: 2, steps: 2, cost: 0.5, status: 'ok', error: null, ms: 7 })
    expect(rows[3]).toMatchObject({ modelCalls: 2, tokens: { input: 20 }, status: 'interrupted', ms: null })
    expect(rows[5]).toMatchObject({ ...once, status: 'error', error: 'RATE_LIMITED' })
    expect(rows[2499]).toMatchObject({
      session: 's-5',
      status: 'error',
      line: 2499 * 4 + 1,
      tokens: { output: 5 },
    })
    expect(stats.turns.stats()).toMatchObject({ count: 2500, ok: 1251, error: 1248, interrupted: 1 })
  })

  test('take each attempt as a call, and the usage of a failed one where its error tells it', async () => {
    const failed = {
      code: 'ANSWER_CUT',
      name: 'BuslineError',
      message: 'cut',
      data: { usage: { inputTokens: 3, outputTokens: 1 }, cost: 0.25 },
    }
    const { models } = await reportOf(
      recordsOf(...modelCall('a', { status: 'error', error: failed }), ...modelCall('b')),
    )

    expect(models).toMatchObject([
      { calls: 2, ok: 1, error: 1, tokens: { input: 13, output: 6 }, cost: 0.75, costUnknown: 0 },
    ])
  })

  test('count one failure once that ended a call and the one around it', async () => {
    const error = {
      code: 'ANSWER_CUT',
      name: 'BuslineError',
      message: 'cut',
      data: { usage: { inputTokens: 3, outputTokens: 1 } },
    }
    const [outer, outerEnd] = modelCall('a', { status: 'error', error })
    const inner = modelCall('a.1', { cause: 'a', status: 'error', error })
    if (!outer || !outerEnd) throw new Error('There is no call.')

    expect((await reportOf(recordsOf(outer, ...inner, outerEnd))).models).toMatchObject([
      { calls: 2, tokens: { input: 3, output: 1 } },
    ])
  })

  test('name a call that left the choice of its model open by the model that answered', async () => {
    const { models } = await reportOf(
      recordsOf(...modelCall('a', { model: null, output: answer(1, 1, 0, 'm2') }), {
        kind: 'command',
        type: 'model.call',
        id: 'b',
        data: { model: null },
      }),
    )

    expect(models).toMatchObject([
      { key: null, calls: 1, interrupted: 1, modelCalls: 1 },
      { key: 'm2', calls: 1, ok: 1, modelCalls: 1 },
    ])
  })

  test('measure the first token from the command to the first piece of the answer', async () => {
    const [begin, end] = modelCall('a', { ms: 100 })
    if (!begin || !end) throw new Error('There is no call.')
    const { models } = await reportOf(
      recordsOf(
        { ...begin, time: 500 },
        {
          kind: 'event',
          type: 'model.textReceived',
          cause: 'a',
          id: 'a.2',
          time: 560,
          data: { deltas: [[0, 'x']] },
        },
        {
          kind: 'event',
          type: 'model.reasoningReceived',
          cause: 'a',
          id: 'a.1',
          time: 540,
          data: { deltas: [[0, 'x']] },
        },
        { ...end, time: 600 },
      ),
    )

    expect(models[0]?.firstTokenMs).toMatchObject({ count: 1, p50: 40 })
  })

  test('call a command without an end interrupted, and count a result without its command', async () => {
    const { all } = await reportOf(
      recordsOf(
        { kind: 'command', type: 'a', id: '1' },
        { kind: 'result', type: 'b', of: 'gone', status: 'ok', ms: 1 },
      ),
    )

    expect(all).toMatchObject({ calls: 2, ok: 1, interrupted: 1, ms: null })
  })

  test('bear records of strange shape, and keys that objects have of themselves', async () => {
    const { types, tools, models, all } = await reportOf(
      recordsOf(
        { kind: 'command', type: '__proto__', id: '__proto__' },
        {
          kind: 'result',
          type: '__proto__',
          of: '__proto__',
          status: 'odd',
          ms: -5,
          error: { code: '__proto__', name: '', message: '' },
        },
        { kind: 'command', type: 'tool.call', id: 'x', data: 'text' },
        { kind: 'result', type: 'model.call', of: 'y', status: 'ok', output: null },
        { kind: 'event', type: 'model.textReceived' },
        { kind: 'unheard-of', type: 'x' },
      ),
    )

    expect(types.map(({ key }) => key)).toContain('__proto__')
    expect(Object.keys(all.errors)).toEqual(['__proto__'])
    expect(tools).toMatchObject([{ key: null, interrupted: 1 }])
    expect(models).toMatchObject([{ key: null, usageUnknown: 1, costUnknown: 1 }])
  })

  test('are empty of an empty run', async () => {
    expect(await reportOf([])).toMatchObject({
      lines: 0,
      firstTime: null,
      lastTime: null,
      all: { calls: 0, ms: null },
    })
  })

  test('are the same from records as from lines', async () => {
    expect(await runStats(linesOfRecords(RUN))).toEqual(await reportOf(RUN))
  })
})

const call = fc.record({
  type: fc.constantFrom('model.call', 'tool.call', 'chat.runTurn', 'x.y'),
  session: fc.constantFrom('s1', 's2', undefined),
  status: fc.constantFrom('ok', 'error', 'cancelled', undefined),
  ms: fc.integer({ min: 0, max: 5000 }),
  name: fc.constantFrom('a', 'b', null),
  cost: fc.option(fc.integer({ min: 0, max: 9 })),
})
type Called = typeof call extends fc.Arbitrary<infer C> ? C : never

test('the stats of runs one after the other are those of each, merged', async () => {
  const run = fc.array(call, { maxLength: 30 })
  const recordsFor = (calls: readonly Called[], prefix: string): JournalRecord[] =>
    recordsOf(
      ...calls.flatMap(({ type, session, status, ms, name, cost }, place) => {
        const id = `${prefix}-${place}`
        const about = { type, ...(session !== undefined && { session }), turn: id }
        const data = type === 'tool.call' ? { name } : { model: name }
        const output = answer(ms, 1, cost)
        const end = status === 'ok' ? { output } : { error: { code: 'E', name: 'E', message: 'e' } }
        return [
          { ...about, kind: 'command', id, data },
          ...(status === undefined ? [] : [{ ...about, kind: 'result', of: id, status, ms, ...end }]),
        ]
      }),
    )
  await fc.assert(
    fc.asyncProperty(run, run, async (first, second) => {
      const [a, b] = [recordsFor(first, 'a'), recordsFor(second, 'b')]
      const merged = new RunStats()
      for (const records of [a, b]) {
        const one = new RunStats()
        for (const line of batchOf(records)[0]) one.take(line)
        merged.merge(one)
      }
      expect(merged.report()).toEqual(await reportOf([...a, ...b]))
    }),
    { numRuns: 80 },
  )
})
