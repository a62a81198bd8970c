import { visibleLine, type Span } from 'busline'
import { cutToWidth, fillEnd, textWidth, type TraceRow } from 'busline/journal'
import type { Terminal } from './command.ts'
import { duration } from './describe-turn.ts'
import { painter, statusStyle, type Paint } from './paint.ts'

/** What the signs of a bar stand for. */
export const LEGEND = '█ on the critical path   ─ not on it   ▼ the answer began to arrive   ░ no end'

/** Narrower bars show nothing. */
const LEAST_BAR = 12
const DEEPEST = 20
const COLUMNS = { status: 11, time: 10 }

/** One tree of spans as bars on a common axis of time, under a line that says what it is of. */
export function drawTrace(
  rows: readonly TraceRow<Span>[],
  names: ReadonlyMap<string, string>,
  { color, columns }: Pick<Terminal, 'color' | 'columns'>,
): string {
  const [first] = rows
  if (!first) return ''
  const paint = painter(color)
  const titles = rows.map(({ span, depth }) => titleOf(span, depth, names))
  const most = Math.max(16, Math.floor(columns * 0.4))
  const width = titles.reduce((widest, title) => Math.max(widest, Math.min(most, textWidth(title))), 0)
  const used = width + COLUMNS.status + COLUMNS.time * 2 + 4
  const axis = {
    from: first.span.start,
    to: rows.reduce((latest, { end }) => Math.max(latest, end), first.end),
    cells: Math.max(LEAST_BAR, columns - used - 1),
  }
  const head = `${''.padEnd(width)} ${'status'.padEnd(COLUMNS.status)} ${'time'.padStart(COLUMNS.time)} ${'self'.padStart(COLUMNS.time)} ${scale(axis)}`
  const lines = rows.map((row, place) => {
    const { span, selfMs } = row
    const title = fillEnd(cutToWidth(titles[place] ?? '', width), width)
    const status = visibleLine(span.error?.code ?? span.status, COLUMNS.status).padEnd(COLUMNS.status)
    const time = duration(span.ms ?? null).padStart(COLUMNS.time)
    const self = duration(selfMs).padStart(COLUMNS.time)
    const shown = row.critical.length > 0 ? title : paint('dim', title)
    return `${shown} ${paint(statusStyle(span.status), status)} ${time} ${paint('dim', self)} ${bar(row, axis, paint)}`
  })
  return [aboutTree(first.span, paint), paint('dim', head), ...lines]
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

function aboutTree({ turn, session, root, start }: Span, paint: Paint): string {
  const about = [
    turn === undefined ? `chain ${root ?? '?'}` : `turn ${turn}`,
    ...(session === undefined ? [] : [`session ${session}`]),
    Number.isNaN(new Date(start).getTime()) ? '' : new Date(start).toISOString(),
  ]
  return paint('bold', visibleLine(about.join('  '), 200))
}

function titleOf({ id, name }: Span, depth: number, names: ReadonlyMap<string, string>): string {
  const called = names.get(id)
  const title = called === undefined ? name : `${name} ${called}`
  return `${'  '.repeat(Math.min(depth, DEEPEST))}${visibleLine(title, 80)}`
}

interface Axis {
  readonly from: number
  readonly to: number
  readonly cells: number
}

function scale({ from, to, cells }: Axis): string {
  const end = duration(to - from)
  return `0${end.padStart(cells - 1)}`
}

type Cell = ' ' | '░' | '─' | '█' | '▼'

function bar({ span, end, critical, firstPiece }: TraceRow<Span>, axis: Axis, paint: Paint): string {
  const { cells } = axis
  const drawn: Cell[] = Array.from({ length: cells }, () => ' ')
  const fill = (from: number, to: number, cell: Cell): void => {
    const first = cellOf(from, axis)
    const last = Math.max(first, cellEnd(to, axis))
    drawn.fill(cell, first, last + 1)
  }
  fill(span.start, end, span.ms === undefined ? '░' : '─')
  for (const { from, to } of critical) fill(from, to, '█')
  if (firstPiece !== undefined) drawn[cellOf(firstPiece, axis)] = '▼'
  return painted(drawn, span, paint)
}

function cellOf(time: number, { from, to, cells }: Axis): number {
  const total = to - from || 1
  return Math.min(cells - 1, Math.max(0, Math.floor(((time - from) / total) * cells)))
}

function cellEnd(time: number, { from, to, cells }: Axis): number {
  const total = to - from || 1
  return Math.min(cells - 1, Math.max(0, Math.ceil(((time - from) / total) * cells) - 1))
}

function painted(drawn: readonly Cell[], { status }: Span, paint: Paint): string {
  const failed = status !== 'ok' && status !== 'interrupted'
  let text = ''
  for (let at = 0; at < drawn.length;) {
    const cell = drawn[at] ?? ' '
    let to = at
    while (drawn[to] === cell) to++
    const run = cell.repeat(to - at)
    if (cell === '█') text += paint(failed ? 'red' : 'cyan', run)
    else if (cell === '▼') text += paint(['bold', 'yellow'], run)
    else text += cell === ' ' ? run : paint(failed ? 'red' : 'dim', run)
    at = to
  }
  return text
}
