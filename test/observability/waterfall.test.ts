import { waterfall, type Span } from 'busline'
import { textWidth } from 'busline/journal'
import { expect, test } from 'vitest'
import { thrownBy } from '../bus/fixtures/promises.ts'

function span(fields: Partial<Span> & { name: string }): Span {
  return {
    kind: 'command',
    id: fields.name,
    parent: undefined,
    root: undefined,
    session: undefined,
    turn: undefined,
    start: 0,
    ms: 0,
    status: 'ok',
    by: undefined,
    error: undefined,
    attributes: {},
    points: [],
    children: [],
    ...fields,
  }
}

test('a waterfall draws bars on one axis, aligned, with status and duration', () => {
  const call = span({
    name: 'model.call',
    start: 20,
    ms: 40,
    points: [{ kind: 'event', type: 'x', time: 40, id: 'x' }],
  })
  const tool = span({ name: 'tool.call', start: 60, ms: 30.25, status: 'error' })
  const open = span({ name: 'save', start: 90, ms: undefined, status: 'interrupted' })
  const root = span({ name: 'chat.runTurn', ms: 100, children: [call, span({ ...tool, children: [open] })] })

  expect(`\n${waterfall(root, { width: 60 })}`).toBe(`
chat.runTurn  ok            100 ms █████████████████████████
  model.call  ok             40 ms      █████•████
  tool.call   error        30.3 ms                ████████
    save      interrupted   no end                       ░░░
`)
})

test('a waterfall is no wider than asked, however long names are', () => {
  const root = span({ name: 'n'.repeat(200), ms: 5, children: [span({ name: 'm'.repeat(200), ms: 5 })] })
  for (const line of waterfall(root, { width: 80 }).split('\n')) expect(line.length).toBeLessThanOrEqual(80)
})

test('a waterfall of no duration still has a bar', () => {
  expect(waterfall(span({ name: 'a' }), { width: 40 })).toBe('a  ok  0 ms █\n')
})

test('a waterfall shows the control characters of names instead of sending them', () => {
  expect(waterfall(span({ name: 'a\u001b[2J\nb' }))).toContain(String.raw`a\u{1b}[2J\u{a}b`)
})

test('a waterfall of ten thousand levels is drawn', () => {
  let root = span({ name: 'leaf' })
  for (let level = 0; level < 10_000; level++) root = span({ name: 'a', children: [root] })
  expect(waterfall(root).split('\n')).toHaveLength(10_002)
})

test.each([40, 41, 60])(
  'a waterfall of %d columns has room for bars, whatever stands beside them',
  (width) => {
    const long = span({ name: 'n'.repeat(200), ms: 987_654_321, status: 'interrupted' })
    const root = span({ ...long, children: [long, span({ name: 'damaged', ms: -1e20 })] })
    for (const line of waterfall(root, { width }).trimEnd().split('\n').slice(0, 2)) {
      expect(line).toMatch(/ █{8,}$/)
      expect(line.length).toBeLessThanOrEqual(width)
    }
    const open = span({ name: 'n'.repeat(200), ms: undefined, status: 'interrupted' })
    expect(waterfall(open, { width })).toMatch(/ ░{8,}\n$/)
  },
)

test.each([39, 40.5, 10_001, Infinity, NaN, -1])('a waterfall of %d columns is refused', (width) => {
  expect(thrownBy(() => waterfall(span({ name: 'a' }), { width }))).toMatchObject({
    code: 'INVALID_OPTION',
    data: { option: 'width' },
  })
})

test('a waterfall takes very many children', () => {
  const children = Array.from({ length: 130_000 }, (_, start) => span({ name: 'c', start, ms: 1 }))
  expect(waterfall(span({ name: 'root', children }), { width: 40 }).match(/\n/g)).toHaveLength(130_001)
})

test('its columns stay straight with wide characters, and no line is wider than asked', () => {
  const names = ['東京の天気を調べてください'.repeat(4), '👍🏽 fine', 'plain', 'e\u0301te\u0301']
  const root = span({ name: 'root', ms: 10, children: names.map((name) => span({ name, ms: 10 })) })
  const lines = waterfall(root, { width: 60 }).trimEnd().split('\n')
  expect(lines.map((line) => textWidth(line))).toEqual(lines.map(() => 60))
  expect(new Set(lines.map((line) => textWidth(line.slice(0, line.indexOf('ok')))))).toHaveProperty('size', 1)
})
