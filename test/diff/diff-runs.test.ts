import { diffRuns, type JournalRecord, type RunDiff } from 'busline/journal'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { lineOf, recordRun, type PlannedTurn } from './fixtures/small-run.ts'

const paris: PlannedTurn = { text: 'Paris?', tools: [['weather', 'Paris']], reply: 'Sunny in Paris.' }
const rome: PlannedTurn = { text: 'Rome?', reply: 'I do not know.' }
const oslo: PlannedTurn = {
  text: 'Oslo?',
  tools: [
    ['weather', 'Oslo'],
    ['mail', 'Oslo'],
    ['maps', 'Oslo'],
  ],
  reply: 'Done.',
}

function changedPaths({ pairs }: RunDiff): string[] {
  return pairs.flatMap(({ type, changes }) => changes.map(({ path }) => `${type} ${path}`))
}

function differing({ pairs }: RunDiff): (string | number | null)[][] {
  return pairs.filter(({ state }) => state !== 'same').map(({ state, type, a, b }) => [state, type, a, b])
}

describe('diffRuns', () => {
  test('finds nothing between two runs that did the same, whatever ids, sessions and times they had', async () => {
    const plan = { turns: [paris, rome, oslo] }
    const diff = await diffRuns(await recordRun(plan), await recordRun(plan))

    expect(differing(diff)).toEqual([])
    expect(diff).toMatchObject({ same: true, first: null, counts: { changed: 0, onlyInA: 0, onlyInB: 0 } })
    expect(diff.counts.same).toBeGreaterThan(40)
  })

  test('names the line and the path of a prompt that has one word changed', async () => {
    const a = await recordRun({ turns: [paris, rome] })
    const b = await recordRun({ turns: [paris, { ...rome, text: 'Roma?' }] })
    const { first } = await diffRuns(a, b)

    const isPrompt = ({ type, turn, id }: JournalRecord): boolean => type === 'chat.runTurn' && id === turn
    const lines = [a, b].map((run) => run.findLastIndex(isPrompt) + 1)
    expect(first).toMatchObject({ state: 'changed', a: lines[0], b: lines[1], type: 'chat.runTurn', turn: 2 })
    expect(first).toMatchObject({ path: 'data.text', valueA: 'Rome?', valueB: 'Roma?' })
  })

  test("names the tool's result that is the first to differ", async () => {
    const a = await recordRun({ turns: [paris] })
    const b = await recordRun({ turns: [paris], said: 'rainy' })
    const { first, turns } = await diffRuns(a, b)

    const lines = [a, b].map((run) =>
      lineOf(run, ({ kind, type }) => kind === 'result' && type === 'tool.call'),
    )
    expect(first).toMatchObject({
      a: lines[0],
      b: lines[1],
      type: 'tool.call',
      name: 'weather',
      path: 'output.said',
    })
    expect(turns.map(({ turn, onlyInA, onlyInB }) => [turn, onlyInA, onlyInB])).toEqual([[1, 0, 0]])
  })

  test('sees one more tool call as that, and what follows it as the same', async () => {
    const more: PlannedTurn = {
      ...paris,
      tools: [
        ['mail', 'Paris'],
        ['weather', 'Paris'],
      ],
    }
    const a = await recordRun({ turns: [paris, rome, oslo] })
    const b = await recordRun({ turns: [more, rome, oslo] })
    const diff = await diffRuns(a, b)

    expect(diff.pairs.filter(({ state }) => state === 'onlyInA')).toEqual([])
    const alone = diff.pairs.filter(({ state }) => state === 'onlyInB')
    expect(alone).toContainEqual(
      expect.objectContaining({ kind: 'command', type: 'tool.call', name: 'mail', turn: 1 }),
    )
    // Of the later turns only what was sent to the model is longer.
    const later = diff.pairs.filter(({ turn, state }) => (turn ?? 0) > 1 && state !== 'same')
    expect(new Set(later.map(({ type }) => type))).toEqual(new Set(['model.call', 'context.read']))
    const weather = diff.pairs.filter(
      ({ type, name, turn }) => type === 'tool.call' && name === 'weather' && turn === 1,
    )
    expect(weather.map(({ state }) => state)).toEqual(['same', 'same'])
  })

  test('sees one more turn as that, and the turns after it as the same but for what the model was sent', async () => {
    const diff = await diffRuns(
      await recordRun({ turns: [paris, oslo] }),
      await recordRun({ turns: [paris, rome, oslo] }),
    )

    expect(diff.counts.onlyInA).toBe(0)
    expect(diff.turns.map(({ turn, a, b, onlyInB }) => [turn, a !== null, b !== null, onlyInB > 0])).toEqual([
      [1, true, true, false],
      [2, true, true, false],
      [3, false, true, true],
    ])
    const second = diff.pairs.filter(({ turn, state }) => turn === 2 && state === 'changed')
    expect(new Set(second.map(({ type }) => type))).toEqual(
      new Set(['model.call', 'context.read', 'session.append', 'session.commit']),
    )
  })

  test('tells another order of what runs side by side apart from changes', async () => {
    const a = await recordRun({ turns: [oslo], slow: { weather: 30 } })
    const b = await recordRun({ turns: [oslo], slow: { maps: 30 } })
    const diff = await diffRuns(a, b)

    expect(differing(diff)).toEqual([])
    expect(diff.same).toBe(true)
    expect(
      diff.pairs.filter(({ reordered }) => reordered).map(({ kind, type }) => `${kind} ${type}`),
    ).toContain('result tool.call')
  })

  test('pairs turns of other sessions that came in another order', async () => {
    const [ada, bob] = [
      { ...paris, session: 'ada' },
      { ...rome, session: 'bob' },
    ]
    const a = await recordRun({ turns: [ada, bob] })
    const b = await recordRun({ turns: [bob, ada] })
    const diff = await diffRuns(a, b)

    expect(differing(diff)).toEqual([])
    expect(diff.counts.reordered).toBeGreaterThan(0)
  })

  test('compares the text of a stream joined, however it was cut into batches', async () => {
    const a = await recordRun({ turns: [rome] })
    const whole = a.find(({ type }) => type === 'model.textReceived')
    const cut = a.flatMap((record): JournalRecord[] => {
      if (record !== whole) return [record]
      const batch = (text: string, ordinal: number) => ({
        ...record,
        id: `${record.cause}.${ordinal}`,
        data: { deltas: [[ordinal, text]] },
      })
      return [batch('I do ', 1), batch('not know.', 2)]
    })
    expect((await diffRuns(a, cut)).same).toBe(true)

    const other = cut.map((record) =>
      record.id?.endsWith('.2') && record.type === whole?.type
        ? { ...record, data: { deltas: [[1, 'not.']] } }
        : record,
    )
    expect((await diffRuns(a, other)).first).toMatchObject({ path: 'data.text', valueA: 'I do not know.' })
  })

  test('adds up what models, tools and turns took, with what the second took more', async () => {
    const a = await recordRun({ turns: [paris] })
    const b = await recordRun({ turns: [paris, oslo] })
    const { tools, turns, total } = await diffRuns(a, b)

    expect(
      tools.map(({ name, a: one, b: other, delta }) => [name, one?.calls, other?.calls, delta.calls]),
    ).toEqual([
      ['weather', 1, 2, 1],
      ['mail', undefined, 1, 1],
      ['maps', undefined, 1, 1],
    ])
    expect(total.delta).toMatchObject({ calls: 2, inputTokens: 10, outputTokens: 'Done.'.length })
    expect(turns.at(-1)?.figures).toMatchObject({ a: null, b: { calls: 2, outputTokens: 5 } })
  })

  test('takes the time of a turn that went on after an interruption from where it went on', async () => {
    const under = { turn: 'r-1', cause: 's-1' }
    const usage = { inputTokens: 7, outputTokens: 3 }
    const run: JournalRecord[] = [
      { kind: 'command', type: 'chat.runTurn', id: 'r-1', turn: 'r-1', data: { text: 'Hi' } },
      { kind: 'note', type: 'bus.opened', data: {} },
      { kind: 'command', type: 'chat.continueTurn', id: 's-1', turn: 'r-1', data: { turn: 'r-1' } },
      { kind: 'command', type: 'model.call', id: 's-1.1', ...under, data: { model: 'm' } },
      { kind: 'result', type: 'model.call', of: 's-1.1', ...under, ms: 5, status: 'ok', output: { usage } },
      { kind: 'result', type: 'chat.continueTurn', of: 's-1', turn: 'r-1', ms: 40, status: 'ok', output: {} },
    ].map((record, seq) => ({ seq, time: seq, ...record }))
    for (const part of [run, run.slice(2)]) {
      const { turns, total } = await diffRuns(part, part)
      const figures = { ms: 40, calls: 1, inputTokens: 7 }
      expect(turns.filter(({ turn }) => turn !== null)).toMatchObject([{ turn: 1, figures: { a: figures } }])
      expect(total.a).toMatchObject({ ms: 40, calls: 1 })
    }
  })

  test('counts what a failed call told that it took, once where the failure ended two calls', async () => {
    const usage = { inputTokens: 7, outputTokens: 3, totalTokens: 10 }
    const error = { code: 'ANSWER_CUT', name: 'E', message: 'cut', data: { usage, cost: 0.5 } }
    const end = { kind: 'result', type: 'model.call', status: 'error', ms: 1, error }
    const run: JournalRecord[] = [
      { kind: 'command', type: 'model.call', id: 'r-1', data: { model: 'm' } },
      { kind: 'command', type: 'model.call', id: 'r-1.1', cause: 'r-1', data: { model: 'm' } },
      { ...end, of: 'r-1.1', cause: 'r-1' },
      { ...end, of: 'r-1' },
      { kind: 'command', type: 'model.call', id: 'r-2', data: { model: 'm' } },
      { ...end, of: 'r-2' },
    ].map((record, seq) => ({ seq, time: seq, ...record }))
    const { total } = await diffRuns(run, run)
    expect(total.a).toMatchObject({
      calls: 3,
      failed: 3,
      inputTokens: 14,
      outputTokens: 6,
      cost: 1,
      unpriced: 0,
    })
  })

  test('passes over what is told to be ignored, and looks at one turn or one part alone', async () => {
    const a = await recordRun({ turns: [paris, rome] })
    const b = await recordRun({ turns: [paris, { ...rome, reply: 'No.' }], said: 'rainy' })

    const ignored = await diffRuns(a, b, { ignore: ['tool.call:output.said'] })
    expect(changedPaths(ignored)).not.toContain('tool.call output.said')
    expect(ignored.same).toBe(false)
    const second = await diffRuns(a, b, { turn: 2, only: ['outputs', 'models'] })
    expect(second.pairs.map(({ kind, type }) => `${kind} ${type}`)).toEqual(['result model.call'])
    expect(second.first).toMatchObject({ path: 'output.message.content', valueA: 'I do not know.' })
  })

  test('refuses options that mean nothing, with their name', async () => {
    await expect(diffRuns([], [], { turn: 0 })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      data: { option: 'turn' },
    })
    await expect(diffRuns([], [], { ignore: ['data..x'] })).rejects.toMatchObject({
      data: { option: 'ignore' },
    })
  })

  test('ends with the reason of its signal', async () => {
    const run = await recordRun({ turns: [rome] })
    await expect(diffRuns(run, run, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    )
  })
})

describe('whatever the run', () => {
  const plans: readonly PlannedTurn[][] = [
    [paris, rome, oslo],
    [oslo, rome],
    [rome, paris],
    [rome],
    [oslo, oslo],
  ]
  let runs: JournalRecord[][] = []
  beforeAll(async () => {
    const all = [
      ...plans.map((turns) => ({ turns })),
      { turns: [oslo, paris], slow: { mail: 5 }, said: 'rainy' },
    ]
    runs = await Promise.all(all.map(recordRun))
  })
  const any = fc.nat({ max: 5 })
  const many = { numRuns: 20 }

  test('it does not differ from itself, nor from the same with other ids', async () => {
    for (const run of runs) {
      expect(differing(await diffRuns(run, run))).toEqual([])
      expect(differing(await diffRuns(run, renamed(run)))).toEqual([])
    }
  })

  test('one change, planted anywhere, is the only difference and stands on its line', async () => {
    await fc.assert(
      fc.asyncProperty(any, fc.nat(), async (which, seed) => {
        const run = runs[which] ?? []
        const place = placeIn(run, seed)
        const line = place + 1
        const changed = renamed(run).map((record, at) =>
          at === place ? { ...record, planted: true } : record,
        )
        const { first, counts } = await diffRuns(run, changed)

        expect(first).toMatchObject({ state: 'changed', path: 'planted', valueA: undefined, valueB: true })
        expect(counts).toMatchObject({ changed: 1, onlyInA: 0, onlyInB: 0 })
        // A batch or an append that is one of several stands for all of them.
        if (!isPiece(run[place])) expect(first).toMatchObject({ a: line, b: line })
      }),
      many,
    )
  })

  test('a message that says something else is the first difference, on its line', async () => {
    await fc.assert(
      fc.asyncProperty(any, fc.nat(), async (which, seed) => {
        const run = runs[which] ?? []
        const place = placeIn(run, seed)
        fc.pre(!isPiece(run[place]))
        const changed = renamed(run).map((record, at) => (at === place ? saysOther(record) : record))
        const { first } = await diffRuns(run, changed)

        expect(first).toMatchObject({ a: place + 1, b: place + 1 })
      }),
      many,
    )
  })

  test('a message that is missing is the first difference, on its line', async () => {
    await fc.assert(
      fc.asyncProperty(any, fc.nat(), async (which, seed) => {
        const run = runs[which] ?? []
        const place = placeIn(run, seed)
        // What it caused would be without a cause.
        fc.pre(run[place]?.kind !== 'command' && !isPiece(run[place]))
        const { first } = await diffRuns(run, renamed(run).toSpliced(place, 1))

        expect(first).toMatchObject({ state: 'onlyInA', a: place + 1, b: null, type: run[place]?.type })
      }),
      many,
    )
  })

  test('the other way round it differs the other way round', async () => {
    await fc.assert(
      fc.asyncProperty(any, any, async (one, other) => {
        const [a, b] = [runs[one] ?? [], runs[other] ?? []]
        const [there, back] = [await diffRuns(a, b), await diffRuns(b, a)]

        expect(back.counts).toMatchObject({ same: there.counts.same, changed: there.counts.changed })
        expect([back.counts.onlyInA, back.counts.onlyInB]).toEqual([
          there.counts.onlyInB,
          there.counts.onlyInA,
        ])
        expect(back.counts.reordered).toBe(there.counts.reordered)
        expect([back.first?.a, back.first?.b]).toEqual([there.first?.b, there.first?.a])
        expect(back.total.delta.calls + there.total.delta.calls).toBe(0)
      }),
      many,
    )
  })
})

describe('what is no run of an app', () => {
  test('compares journals of other buses, without turns, causes or ids', async () => {
    const note = (seq: number, data: unknown): JournalRecord => ({
      seq,
      time: seq,
      kind: 'odd',
      type: 'some.thing',
      data,
    })
    const diff = await diffRuns([note(0, 1), note(1, 2)], [note(0, 1), note(1, 2), note(2, 3)])

    expect(diff).toMatchObject({
      same: false,
      turns: [{ turn: null, same: 2, onlyInB: 1 }],
      models: [],
      tools: [],
    })
    expect(diff.first).toMatchObject({ state: 'onlyInB', b: 3, valueB: { data: 3 } })
    expect(await diffRuns([], [])).toMatchObject({ same: true, first: null, a: { run: null, lines: 0 } })
  })

  test('holds with ids such as __proto__, with ids given twice, and with values nested deep', async () => {
    const deep = JSON.parse(`${'['.repeat(5000)}1${']'.repeat(5000)}`)
    const other = JSON.parse(`${'['.repeat(5000)}2${']'.repeat(5000)}`)
    const run = (data: unknown): JournalRecord[] => [
      {
        seq: 0,
        time: 0,
        kind: 'command',
        type: 'a',
        id: '__proto__',
        data: JSON.parse('{"__proto__":{"x":1}}'),
      },
      { seq: 1, time: 0, kind: 'command', type: 'constructor', id: '__proto__', cause: '__proto__', data },
      { seq: 2, time: 0, kind: 'result', type: 'a', of: '__proto__', cause: 'nobody', status: 'ok' },
    ]
    expect((await diffRuns(run(deep), run(deep))).same).toBe(true)
    expect((await diffRuns(run(deep), run(other))).first).toMatchObject({ a: 2, valueA: 1, valueB: 2 })
    const changed = run(deep).with(0, {
      seq: 0,
      time: 0,
      kind: 'command',
      type: 'a',
      id: '__proto__',
      data: JSON.parse('{"__proto__":{"x":2}}'),
    })
    expect((await diffRuns(run(deep), changed)).first).toMatchObject({ a: 1, path: 'data.__proto__.x' })
  })
})

/** The same run, its ids begun otherwise. */
function renamed(run: readonly JournalRecord[]): JournalRecord[] {
  const id = run.find((record) => record.id !== undefined)?.id ?? ''
  const prefix = id.slice(0, id.lastIndexOf('-') + 1)
  return JSON.parse(JSON.stringify(run).replaceAll(`"${prefix}`, '"another-'))
}

/** Any record but the header and the notes of the time. */
function placeIn(run: readonly JournalRecord[], seed: number): number {
  const places = [...run.keys()].filter((at) => at > 0 && run[at]?.type !== 'bus.timeRead')
  return places[seed % places.length] ?? 0
}

function isPiece(record: JournalRecord | undefined): boolean {
  return record?.type === 'session.append' || record?.type === 'model.textReceived'
}

function saysOther(record: JournalRecord): JournalRecord {
  const field = ['error', 'output', 'data'].find((name) => name in record) ?? 'data'
  return { ...record, [field]: 'other' }
}
