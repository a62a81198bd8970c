// Longer than 200 lines: what `busline stats` shows, one table after another, with the columns of each beside it.
import { stripVTControlCharacters } from 'node:util'
import { visibleLine } from 'busline'
import {
  cutToWidth,
  fillEnd,
  textWidth,
  type CallStats,
  type RunReport,
  type StatsRow,
  type Summary,
  type TurnRow,
} from 'busline/journal'
import { dollars } from '../function-chat/dollars.ts'
import { counted } from '../function-chat/counted.ts'
import type { Terminal } from './command.ts'
import { duration } from './describe-turn.ts'
import { painter, statusStyle } from './paint.ts'
import { fitted, type Room } from './table.ts'

type Screen = Pick<Terminal, 'color' | 'width'>

/** Rows of a table of the whole run's: the longest are found with --by. */
const MOST_ROWS = 20

/** The whole run: its size and time, its turns, its errors, and a table each of models, tools, sessions and types. */
export function describeStats(name: string, report: RunReport, screen: Screen): string {
  const { lines, firstTime, lastTime, turns, all, models, tools, sessions, types } = report
  const paint = painter(screen.color)
  const span =
    firstTime === null || lastTime === null
      ? ''
      : `  ${moment(firstTime)} to ${moment(lastTime)}  ${duration(lastTime - firstTime)}`
  const { count, steps, ...ended } = turns
  const facts = [
    ['lines', `${lines}${span}`],
    [
      'turns',
      count === 0 ? '0' : `${count}  ${counts(ended)}  steps ${steps}${all.ms ? `  ${times(all.ms)}` : ''}`,
    ],
    ['calls', `${all.calls}  ${counts(all)}`],
    ['models', all.modelCalls === 0 ? '0 calls' : `${counted(all.modelCalls, 'call')}  ${spent(all)}`],
    ...(Object.keys(all.errors).length > 0 ? [['errors', codes(all.errors)]] : []),
  ]
  return [
    `${paint('bold', name)}\n`,
    ...facts.map(([label = '', fact = '']) => `  ${paint('dim', label.padEnd(6))}  ${fact}\n`),
    ...section('model', models, screen),
    ...section('tool', tools, screen),
    ...section('session', sessions, screen),
    ...section('type', types, screen),
  ].join('')
}

function section(by: StatsRow['by'], rows: readonly StatsRow[], screen: Screen): string[] {
  if (rows.length === 0) return []
  const more = rows.length - MOST_ROWS
  const rest = more > 0 ? `… and ${more} more: --by ${by} shows all.\n` : ''
  return ['\n', statsTable(by, rows.slice(0, MOST_ROWS), screen), rest]
}

/** One table of rows with something in common. */
export function statsTable(by: StatsRow['by'], rows: readonly StatsRow[], screen: Screen): string {
  const money = by === 'model' || by === 'session'
  const head: Title[] = [
    { title: by, least: 12 },
    { title: 'calls' },
    { title: 'ok', spare: 1 },
    { title: 'failed' },
    { title: by === 'session' ? 'turn p50' : 'p50' },
    { title: 'p90', spare: 8 },
    { title: 'p95', spare: 2 },
    { title: 'p99', spare: 7 },
    { title: 'max', spare: 3 },
  ]
  if (money)
    head.push(
      { title: 'first token p50', spare: 4 },
      { title: 'p95', spare: 9 },
      { title: 'tok/s', spare: 5 },
      { title: 'in', spare: 1 },
      { title: 'cached', spare: 6 },
      { title: 'out', spare: 1 },
      { title: 'reasoning', spare: 6 },
      { title: 'cost' },
    )
  const cellsOf = (row: StatsRow): string[] => [
    row.key === null ? '(not named)' : visibleLine(row.key, 60),
    String(row.calls),
    String(row.ok),
    String(row.calls - row.ok),
    ...fiveOf(row.ms),
    ...(money ? tokensOf(row) : []),
  ]
  return [...tableLines(head, rows, { cellsOf, ...screen })].join('')
}

/** One row a turn, line by line: there may be many. */
export function turnsTable(rows: Iterable<TurnRow>, screen: Screen): Iterable<string> {
  const head: Title[] = [
    { title: 'turn', least: 12 },
    { title: 'line' },
    { title: 'started', spare: 4 },
    { title: 'time' },
    { title: 'steps', spare: 3 },
    { title: 'models', spare: 2 },
    { title: 'tools', spare: 2 },
    { title: 'in', spare: 1 },
    { title: 'out', spare: 1 },
    { title: 'cost' },
    { title: 'status' },
  ]
  const paint = painter(screen.color)
  const cellsOf = (row: TurnRow): string[] => [
    visibleLine(row.key, 60),
    String(row.line),
    moment(row.startedAt),
    duration(row.ms),
    String(row.steps),
    String(row.modelCalls),
    String(row.toolCalls),
    String(row.tokens.input),
    String(row.tokens.output),
    money(row),
    paint(
      statusStyle(row.status),
      visibleLine(row.error === null ? row.status : `${row.status} ${row.error}`),
    ),
  ]
  return tableLines(head, rows, { cellsOf, ...screen })
}

function tokensOf(row: CallStats): string[] {
  const { firstTokenMs, tokensPerSecond, tokens } = row
  return [
    firstTokenMs ? duration(firstTokenMs.p50) : '-',
    firstTokenMs ? duration(firstTokenMs.p95) : '-',
    tokensPerSecond === null ? '-' : String(Math.round(tokensPerSecond)),
    ...[tokens.input, tokens.cached, tokens.output, tokens.reasoning].map(String),
    money(row),
  ]
}

function fiveOf(ms: Summary | null): string[] {
  return ms
    ? [ms.p50, ms.p90, ms.p95, ms.p99, ms.max].map((value) => duration(value))
    : ['-', '-', '-', '-', '-']
}

function times({ p50, p95, max }: Summary): string {
  return `p50 ${duration(p50)}  p95 ${duration(p95)}  max ${duration(max)}`
}

function spent(all: CallStats): string {
  const { tokens, firstTokenMs } = all
  const cached = tokens.cached > 0 ? ` (${tokens.cached} cached)` : ''
  const reasoning = tokens.reasoning > 0 ? ` (${tokens.reasoning} reasoning)` : ''
  const first = firstTokenMs ? `  first token p50 ${duration(firstTokenMs.p50)}` : ''
  return `${tokens.input} tokens in${cached}, ${tokens.output} out${reasoning}  ${money(all)}${first}`
}

/** `+?` where some calls' cost is not known. */
function money({ cost, costUnknown }: Pick<CallStats, 'cost' | 'costUnknown'>): string {
  if (costUnknown > 0 && cost === 0) return `$? (${costUnknown} unknown)`
  return costUnknown > 0 ? `$${dollars(cost)} + ${costUnknown} unknown` : `$${dollars(cost)}`
}

function counts(ended: Record<'cancelled' | 'error' | 'interrupted' | 'ok' | 'timeout', number>): string {
  return (['ok', 'error', 'cancelled', 'timeout', 'interrupted'] as const)
    .filter((status) => ended[status] > 0)
    .map((status) => `${status} ${ended[status]}`)
    .join(', ')
}

function codes(errors: Readonly<Record<string, number>>): string {
  const all = Object.entries(errors)
  const shown = all.slice(0, MOST_ROWS).map(([code, count]) => `${visibleLine(code, 40)} ${count}`)
  return `${shown.join(', ')}${all.length > MOST_ROWS ? `, and ${all.length - MOST_ROWS} more codes` : ''}`
}

function moment(time: number): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime())
    ? String(time)
    : date
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, '')
}

interface Title extends Room {
  readonly title: string
}

/** The first column to the left, the others to the right. Cells are safe to print; colours in them take no room. */
function* tableLines<Row>(
  head: readonly Title[],
  rows: Iterable<Row>,
  { cellsOf, color, width }: Screen & { cellsOf: (row: Row) => readonly string[] },
): Generator<string> {
  const wanted = head.map(({ title }) => title.length)
  for (const row of rows)
    for (const [column, cell] of cellsOf(row).entries())
      wanted[column] = Math.max(wanted[column] ?? 0, textWidth(plain(cell)))
  const widths = fitted(head, wanted, width)
  const aligned = (cells: readonly string[]): string =>
    cells
      .flatMap((cell, column) => {
        const wide = widths[column] ?? 0
        if (column === 0) return [fillEnd(cutToWidth(cell, wide), wide)]
        return wide === 0 ? [] : [' '.repeat(Math.max(0, wide - textWidth(plain(cell)))) + cell]
      })
      .join('  ')
      .trimEnd()
  yield `${painter(color)('dim', aligned(head.map(({ title }) => title)))}\n`
  for (const row of rows) yield `${aligned(cellsOf(row))}\n`
}

function plain(cell: string): string {
  return stripVTControlCharacters(cell)
}
