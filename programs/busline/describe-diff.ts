import { visibleLine, visibleText } from 'busline'
import { describeValues, type DiffPair, type Figures, type FiguresRow, type RunDiff } from 'busline/journal'
import { dollars } from '../function-chat/dollars.ts'
import { counted } from '../function-chat/counted.ts'
import { painter, type Paint } from './paint.ts'
import { table, type Column } from './table.ts'

/** How many of the messages that differ are listed after the first. */
const MOST_LISTED = 15

/** Two runs compared, for people. Ends with a newline. */
export function describeDiff(diff: RunDiff, names: readonly [string, string], color: boolean): string {
  const paint = painter(color)
  const { a, b, counts } = diff
  const heads = [
    `A  ${visibleLine(names[0], 80)}  ${counted(a.lines, 'line')}`,
    `B  ${visibleLine(names[1], 80)}  ${counted(b.lines, 'line')}`,
  ]
  const verdict = diff.same
    ? [paint('green', `The same: ${counted(counts.same, 'message')}${moved(counts.reordered)}.`)]
    : [...describeFirst(diff, paint), '', ...describeOthers(diff, paint)]
  return [...heads, '', ...verdict, '', ...describeTurns(diff), '', ...describeFigures(diff), ''].join('\n')
}

function moved(count: number): string {
  return count === 0 ? '' : `, ${count} of them in another order`
}

function describeFirst({ first }: RunDiff, paint: Paint): string[] {
  if (!first) return []
  const { a, b, turn, state, path, valueA, valueB } = first
  const place = [turn === null ? '' : `turn ${turn}, `, lineText(a, b)].join('')
  const what = visibleLine(nameOf(first), 100)
  const how = {
    changed: `${what} differs${path === '' ? '' : ` at ${visibleLine(path, 200)}`}`,
    instead: `B has another message in the place of ${what}`,
    onlyInA: `${what} is in A alone`,
    onlyInB: `${what} is in B alone`,
  }[state]
  const values = describeValues(valueA, valueB, {
    names: ['A', 'B'],
    clean: visibleText,
    paint: (side, text) => paint(side === 'removed' ? 'red' : 'green', text),
  })
  return [
    paint('bold', `First difference: ${place}: ${how}`),
    ...values.split('\n').map((line) => `  ${line}`),
  ]
}

function describeOthers({ pairs, counts }: RunDiff, paint: Paint): string[] {
  const [, ...others] = pairs.filter(({ state }) => state !== 'same')
  const rows = others.slice(0, MOST_LISTED).map((pair) => {
    const { state, changes } = pair
    const paths = state === 'changed' ? changes.map(({ path }) => path).join(', ') : ''
    const style = { onlyInA: 'red', onlyInB: 'green', changed: 'yellow', same: 'reset' } as const
    const text = visibleLine(
      `${lineText(pair.a, pair.b)}: ${nameOf(pair)}${paths === '' ? '' : `  ${paths}`}`,
      160,
    )
    return `  ${paint(style[state], WORDS[state].padEnd(9))}${text}`
  })
  const more = others.length - rows.length
  const { changed, onlyInA, onlyInB, reordered } = counts
  return [
    `${counted(changed, 'message')} changed, ${onlyInA} in A alone, ${onlyInB} in B alone, ${counts.same} the same${moved(reordered)}.`,
    ...rows,
    ...(more > 0 ? [`  and ${more} more; --json lists them all`] : []),
  ]
}

const WORDS = { same: 'same', changed: 'changed', onlyInA: 'only A', onlyInB: 'only B' } as const

function nameOf({ kind, type, name }: Pick<DiffPair, 'kind' | 'type' | 'name'>): string {
  return `${kind} ${type}${name === null ? '' : ` (${name})`}`
}

function lineText(a: number | null, b: number | null): string {
  if (a !== null && b !== null) return a === b ? `line ${a}` : `line ${a} of A, ${b} of B`
  return a === null ? `line ${b} of B` : `line ${a} of A`
}

type TurnRow = RunDiff['turns'][number]

function describeTurns({ turns }: RunDiff): string[] {
  const count = (
    title: string,
    field: 'same' | 'changed' | 'onlyInA' | 'onlyInB' | 'reordered',
  ): Column<TurnRow> => ({
    title,
    align: 'right',
    cell: (turn) => String(turn[field]),
  })
  return table(turns, [
    { title: 'turn', cell: ({ turn }) => (turn === null ? 'none' : String(turn)) },
    { title: 'lines', cell: ({ a, b }) => (a === null && b === null ? '' : `${a ?? '-'} / ${b ?? '-'}`) },
    count('same', 'same'),
    count('changed', 'changed'),
    count('only A', 'onlyInA'),
    count('only B', 'onlyInB'),
    count('reordered', 'reordered'),
    ...FIGURES.slice(2).map((column): Column<TurnRow> => ({
      ...column,
      cell: ({ figures }) => column.cell(figures),
    })),
  ])
}

const FIGURES: readonly Column<FiguresRow>[] = [
  { title: 'calls', align: 'right', cell: (row) => both(row, ({ calls }) => calls) },
  { title: 'failed', align: 'right', cell: (row) => both(row, ({ failed }) => failed) },
  { title: 'tokens in', align: 'right', cell: (row) => both(row, ({ inputTokens }) => inputTokens) },
  { title: 'out', align: 'right', cell: (row) => both(row, ({ outputTokens }) => outputTokens) },
  { title: 'dollars', align: 'right', cell: (row) => both(row, ({ cost }) => cost, dollars) },
  {
    title: 'ms',
    align: 'right',
    cell: (row) =>
      both(
        row,
        ({ ms }) => ms,
        (ms) => String(Math.round(ms)),
      ),
  },
]

function describeFigures({ models, tools, total }: RunDiff): string[] {
  const rows = [...models, ...tools, total]
  return table(rows, [{ title: 'A → B', cell: ({ name }) => visibleLine(name, 40) }, ...FIGURES])
}

/** `2 → 3 (+1)`, or one number where both have it. */
function both(
  { a, b, delta }: FiguresRow,
  of: (figures: Figures) => number,
  text: (value: number) => string = String,
): string {
  const [one, other] = [a ? text(of(a)) : '-', b ? text(of(b)) : '-']
  if (one === other) return one
  const more = of(delta)
  return a && b ? `${one} → ${other} (${more > 0 ? '+' : '-'}${text(Math.abs(more))})` : `${one} → ${other}`
}
