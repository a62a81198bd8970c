import { parseFilter, searchRun, type FilterOptions, type JournalRecord } from 'busline/journal'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answer, batchOf, modelCall, recordsOf } from './fixtures/records.ts'

const RUN = recordsOf(
  { kind: 'header', type: 'busline.journal', data: { run: 'r' } },
  {
    kind: 'command',
    type: 'chat.runTurn',
    id: 'r-2',
    turn: 'r-2',
    session: 'abc',
    data: { text: 'In "Paris"\nnow' },
  },
  ...modelCall('r-2.1', {
    turn: 'r-2',
    session: 'abc',
    cause: 'r-2',
    model: 'gpt-4o',
    ms: 1500,
    by: 'openai',
    output: answer(900, 200, 0.02),
  }),
  {
    kind: 'command',
    type: 'tool.call',
    id: 'r-2.2',
    turn: 'r-2',
    data: { call: 'c', name: 'get_weather', arguments: { city: 'Paris', days: 3 } },
  },
  {
    kind: 'result',
    type: 'tool.call',
    of: 'r-2.2',
    turn: 'r-2',
    status: 'timeout',
    ms: 500,
    error: { code: 'TIMED_OUT', name: 'E', message: 'late' },
  },
  {
    kind: 'command',
    type: 'chat.runTurn',
    id: 'r-20',
    turn: 'r-20',
    session: 'xyz',
    time: 90_000,
    data: { text: 'paris' },
  },
)

/** The lines that a filter finds. */
function found(
  filter: string,
  records: readonly JournalRecord[] = RUN,
  options: FilterOptions = {},
): number[] {
  const parsed = parseFilter(filter, options)
  return batchOf(records)[0]
    .filter((line) => parsed.matches(line))
    .map(({ line }) => line)
}

describe('a filter finds lines by', () => {
  test.each<[string, number[]]>([
    ['Paris', [2, 5]],
    ['"In \\"Paris\\""', [2]],
    ['get_weather 3', [5]],
    ['chat.runTurn', []],
    ['type:tool.*', [5, 6]],
    ['type:*.runTurn', [2, 7]],
    ['type=tool.call', [5, 6]],
    ['type!=tool.call kind:command', [2, 3, 7]],
    ['kind:result status:ok', [4]],
    ['status!=ok', [6]],
    ['ms>500', [4]],
    ['ms>=500', [4, 6]],
    ['ms>=1.5s', [4]],
    ['ms<1s', [6]],
    ['session:ab', [2, 3, 4]],
    ['turn:r-2', [2, 3, 4, 5, 6]],
    ['id:r-2.2', [5, 6]],
    ['id:r-2', [2, 3, 4, 5, 6]],
    ['id:r', [2, 3, 4, 5, 6, 7]],
    ['cause:r-2', [3, 4]],
    ['by:open*', [3, 4]],
    ['code:TIMED_OUT', [6]],
    ['tool:get_weather', [5, 6]],
    ['tool:get_weather ms>=500', [6]],
    ['model:gpt-*', [3, 4]],
    ['cost>0.01', [4]],
    ['tokens>1000', [4]],
    ['line:3', [3]],
    ['before:1970-01-01T00:01', [1, 2, 3, 4, 5, 6]],
    ['after:1970-01-01T00:01:00Z', [7]],
    ['data.arguments.city=Paris', [5]],
    ['data.arguments.city!=Rome', [5]],
    ['data.arguments.days>2', [5]],
    ['data.arguments.days<=2', []],
    ['data.arguments~aris', [5]],
    ['output.usage.totalTokens=1100', [4]],
    ['error.message~late', [6]],
    ['-kind:command', [1, 4, 6]],
    ['type:tool.* OR type:model.*', [3, 4, 5, 6]],
    ['kind:result type:tool.* OR kind:header', [1, 6]],
    ['kind:result (type:tool.* OR kind:header)', [6]],
    ['-(type:tool.* OR type:model.*) kind:command', [2, 7]],
    ['kind:header AND run', [1]],
    ['', [1, 2, 3, 4, 5, 6, 7]],
  ])('%s', (filter, lines) => {
    expect(found(filter)).toEqual(lines)
  })

  test('text of any case when asked to', () => {
    expect(found('PARIS', RUN, { ignoreCase: true })).toEqual([2, 5, 7])
  })

  test('time before now', () => {
    expect(found('since:1m', RUN, { now: 100_000 })).toEqual([7])
  })
})

test('text that begins inside of an escape is not found', () => {
  const records = recordsOf({ kind: 'event', type: 'x', data: 'a\nnew' })

  expect(found('nnew', records)).toEqual([])
  expect(found('new', records)).toEqual([1])
})

test('fields of objects themselves are no fields of a record', () => {
  const records = recordsOf({ kind: 'event', type: 'x', data: {} })

  expect(found('data.constructor.name=Object OR data.__proto__~x OR data.toString!=1', records)).toEqual([])
})

describe('a filter is refused, naming the place and what to do', () => {
  test.each<[string, number, RegExp]>([
    ['a typ:x', 3, /no field typ.*type, kind.*"…"/],
    ['ms>soon', 1, /ms>500/],
    ['cost>much', 1, /number/],
    ['since:yesterday', 1, /since:10m/],
    ['after:21.11.2026', 1, /after:2026-11-21/],
    ['before:2026-02-30', 1, /before:2026-11-21/],
    ['type>x', 1, /type knows no >, but : = !=/],
    ['type:', 1, /lacks its value/],
    ['a status:eror', 3, /no status is eror; it is one of ok, error, cancelled, timeout/],
    ['status!=eror', 1, /it is one of ok, error/],
    ['kind:evnt*', 1, /no kind is evnt\*; it is one of header, command, result, event, note/],
    ['output.euros>abc', 1, /> compares numbers, as in output\.euros>10/],
    ['data.at<=2026-11-21', 1, /<= compares numbers/],
    ['a "b', 3, /no end/],
    ['(a b', 1, /never closed/],
    ['a)', 2, /closes no/],
    ['OR a', 1, /nothing for OR to join/],
    ['a OR', 5, /missing/],
    ['a -)', 4, /closes no/],
    [`${'('.repeat(200)}a${')'.repeat(200)}`, 101, /nests deeper than 100/],
  ])('%s', (filter, position, why) => {
    expect(() => parseFilter(filter)).toThrow(
      expect.objectContaining({
        code: 'INVALID_FILTER',
        message: expect.stringMatching(why),
        data: { filter, position },
      }),
    )
  })
})

describe('the texts that a filter needs in a line', () => {
  test.each<[string, string[]]>([
    ['Paris type:tool.*', ['Paris']],
    ['"a \\"b\\"" Paris', ['a \\"b\\"', 'Paris']],
    ['Paris OR Rome', []],
    ['-Paris', []],
    ['Paris tool:get_weather', []],
  ])('%s', (filter, needed) => {
    expect(parseFilter(filter).containing).toEqual(needed)
  })
})

test('marks are where the texts stand in the heavy field, apart from each other', () => {
  const filter = parseFilter('(data OR x OR aa OR aab) -zz')
  const text = '{"type":"x aa","data":"x aab zz aa"}'

  expect(filter.marks(text).map(({ from, to }) => text.slice(from, to))).toEqual(['x', 'aab', 'aa'])
})

test('the name of the heavy field is no text of it', () => {
  const run = recordsOf(
    { kind: 'event', type: 'a', data: { said: 'x' } },
    { kind: 'event', type: 'a', data: 'data' },
  )
  expect(found('data', run)).toEqual([2])
  expect(found('said', run)).toEqual([1])
})

test('marks stand where the text stands also where a small letter is longer than its capital', () => {
  const text = '{"type":"a","data":"İİİ Paris in İZMİR"}'
  const marks = parseFilter('paris izmir', { ignoreCase: true }).marks(text)
  expect(marks.map(({ from, to }) => text.slice(from, to))).toEqual(['Paris', 'İZMİR'])
})

const term = fc.oneof(
  fc.constantFrom(
    'Paris',
    '"a b"',
    'type:tool.*',
    'status:ok',
    '-kind:command',
    'ms>1s',
    'ms<10',
    'id:r-2',
    'tool:get_weather',
    'model:gpt*',
    'cost>0',
    'data.arguments.city=Paris',
    'data.text!=x',
    'code:TIMED_OUT',
  ),
  fc
    .string({ unit: 'grapheme-ascii', maxLength: 8 })
    .map((text) => JSON.stringify(text.replaceAll(/[^ -~]/g, ''))),
)
const filters = fc.letrec((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    term,
    fc
      .tuple(tie('filter'), fc.constantFrom(' ', ' OR ', ' AND '), tie('filter'))
      .map(([a, joint, b]) => `(${String(a)}${joint}${String(b)})`),
    tie('filter').map((inner) => `-(${String(inner)})`),
  ),
})).filter

test('a filter and its negation part the lines between them, and every line that matches holds the texts it needs', () => {
  fc.assert(
    fc.property(filters, (filter) => {
      const text = filter
      const matching = found(text)
      expect([...matching, ...found(`-(${text})`)].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7])
      const { containing } = parseFilter(text)
      for (const line of matching)
        for (const needed of containing) expect(JSON.stringify(RUN[line - 1])).toContain(needed)
    }),
  )
})

test('whatever is typed is a filter or refused as one', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...Array.from('ab-()" :=<>!~.OR\\*')), maxLength: 30 }),
      (text) => {
        try {
          found(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_FILTER' })
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('a search gives the lines around a match, each once, in order', async () => {
  const records = recordsOf(
    ...Array.from({ length: 12 }, (_, place) => ({
      kind: 'event',
      type: 'x',
      data: place === 3 || place === 5 || place === 11 ? 'hit' : '',
    })),
  )
  const found: string[] = []
  for await (const { line, matches } of searchRun(batchOf(records), parseFilter('hit'), { context: 1 }))
    found.push(`${line.line}${matches ? '!' : ''}`)

  expect(found).toEqual(['3', '4!', '5', '6!', '7', '11', '12!'])
})

test('a search ends with the last match that was asked for and the lines after it', async () => {
  const records = recordsOf(
    ...['', 'hit', '', '', 'hit', 'hit', ''].map((data) => ({ kind: 'event', type: 'x', data })),
  )
  const found = async (max: number): Promise<number[]> => {
    const lines: number[] = []
    for await (const { line } of searchRun(batchOf(records), parseFilter('hit'), { context: 1, max }))
      lines.push(line.line)
    return lines
  }

  expect(await found(1)).toEqual([1, 2, 3])
  expect(await found(2)).toEqual([1, 2, 3, 4, 5])
  expect(await found(0)).toEqual([])
})
