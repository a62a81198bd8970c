import { criticalPath, selfMs, traceRows } from 'busline/journal'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

interface Tree {
  id: string
  start: number
  ms: number | undefined
  children: Tree[]
  points?: { type: string; time: number }[]
}

function tree(id: string, start: number, ms: number | undefined, ...children: Tree[]): Tree {
  return { id, start, ms, children }
}

function pathOf(root: Tree): [id: string, from: number, to: number][] {
  return criticalPath(root).map(({ span, from, to }) => [span.id, from, to])
}

describe('the critical path', () => {
  test('of a lone span is the span', () => {
    expect(pathOf(tree('a', 5, 10))).toEqual([['a', 5, 15]])
  })

  test('goes through the one of parallel children that ended last', () => {
    const root = tree('turn', 0, 100, tree('quick', 10, 30), tree('slow', 10, 80), tree('late', 20, 40))

    expect(pathOf(root)).toEqual([
      ['turn', 0, 10],
      ['slow', 10, 90],
      ['turn', 90, 100],
    ])
  })

  test('follows children that came one after the other, and goes down', () => {
    const root = tree('turn', 0, 100, tree('model', 0, 40), tree('tool', 50, 45, tree('inner', 60, 10)))

    expect(pathOf(root)).toEqual([
      ['model', 0, 40],
      ['turn', 40, 50],
      ['tool', 50, 60],
      ['inner', 60, 70],
      ['tool', 70, 95],
      ['turn', 95, 100],
    ])
  })

  test('counts a child that outlives its parent up to the end of that, and one that began later not at all', () => {
    const root = tree('turn', 0, 50, tree('outlives', 40, 100), tree('after', 60, 10))

    expect(pathOf(root)).toEqual([
      ['turn', 0, 40],
      ['outlives', 40, 50],
    ])
  })

  test('takes what overlaps by less than a millisecond of the clock as one after the other', () => {
    const root = tree('turn', 0, 10, tree('first', 0, 5.4), tree('second', 5, 4))

    expect(pathOf(root).map(([id]) => id)).toEqual(['first', 'second', 'turn'])
  })

  test('of a turn without an end goes up to the last that is known', () => {
    expect(pathOf(tree('turn', 0, undefined, tree('model', 10, undefined, tree('x', 20, 5))))).toEqual([
      ['turn', 0, 10],
      ['model', 10, 20],
      ['x', 20, 25],
    ])
  })

  test('bears a tree of 20 000 levels', () => {
    let root = tree('deepest', 0, 1)
    for (let depth = 0; depth < 20_000; depth++) root = tree(`d${depth}`, 0, 1, root)

    expect(pathOf(root)).toEqual([['deepest', 0, 1]])
    expect(traceRows(root)).toHaveLength(20_001)
  })
})

const treesOf: fc.Memo<Tree> = fc.memo((depth) =>
  fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    start: fc.double({ min: 0, max: 100, noNaN: true }),
    ms: fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined }),
    children: depth <= 1 ? fc.constant([]) : fc.array(treesOf(depth - 1), { maxLength: 4 }),
  }),
)
const trees = treesOf(4)

test('its parts follow each other without gap or overlap, and are as long as the whole together', () => {
  fc.assert(
    fc.property(trees, (root) => {
      const path = criticalPath(root)
      const length = path.reduce((sum, { from, to }) => sum + (to - from), 0)
      path.forEach(({ from, to }, place) => {
        expect(from).toBeLessThan(to)
        expect(from).toBe(place === 0 ? root.start : path[place - 1]?.to)
      })
      if (root.ms !== undefined) expect(length).toBeLessThanOrEqual(root.ms * 1.000001 + 1e-9)
    }),
  )
})

test('a span is never busy itself for longer than it lasted, and never less than nothing', () => {
  fc.assert(
    fc.property(trees, (root) => {
      for (const { span, end, selfMs: own } of traceRows(root)) {
        expect(own).toBeGreaterThanOrEqual(0)
        expect(own).toBeLessThanOrEqual(end - span.start + 1e-9)
      }
    }),
  )
})

test('the time of a span itself is that without its children, where they overlap counted once', () => {
  expect(selfMs(tree('a', 0, 100, tree('b', 10, 30), tree('c', 20, 40), tree('d', 90, 50)))).toBe(40)
})

test('rows come in the order in which they began, and know the first piece of an answer', () => {
  const model = {
    ...tree('model', 10, 50),
    points: [
      { type: 'model.textReceived', time: 40 },
      { type: 'model.toolCallStarted', time: 30 },
      { type: 'x', time: 12 },
    ],
  }
  const rows = traceRows(tree('turn', 0, 100, tree('second', 20, 1), model, tree('also', 20, 1)))

  expect(rows.map(({ span, depth, firstPiece }) => [span.id, depth, firstPiece])).toEqual([
    ['turn', 0, undefined],
    ['model', 1, 30],
    ['second', 1, undefined],
    ['also', 1, undefined],
  ])
})
