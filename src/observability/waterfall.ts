import { BuslineError } from '../messages/busline-error.ts'
import { plainLine } from './plain-line.ts'
import type { Span } from './span.ts'
import { fillEnd, textWidth } from './text-width.ts'

export interface WaterfallOptions {
  /** Columns of the whole, from 40 to 10 000 (default 100). */
  width?: number
}

const LEAST_WIDTH = 40
const MOST_WIDTH = 10_000

/** Narrower bars show nothing. At 40 columns there is room for one of these beside `interrupted` and the longest time. */
const LEAST_BAR = 8

/** What stands between the columns. */
const GAPS = 5

interface Row {
  readonly span: Span
  readonly depth: number
}

/**
 * Shows one span and all below it as bars on a common axis of time, one line each: name, status, duration. `•` marks
 * events and notes on a bar; a span without an end (`░`) is drawn up to the end of the whole. No colours, no control
 * characters.
 *
 * @throws BuslineError `INVALID_OPTION`
 */
export function waterfall(root: Span, { width = 100 }: WaterfallOptions = {}): string {
  checkWidth(width)
  const rows = rowsOf(root)
  const times = rows.map(({ span }) => (span.ms === undefined ? 'no end' : `${shortMs(span.ms)} ms`))
  const timeWidth = longest(times)
  const statusWidth = longest(rows.map(({ span }) => span.status))
  const room = width - statusWidth - timeWidth - GAPS
  const most = Math.min(width >> 1, room - LEAST_BAR)
  const titles = rows.map(({ span, depth }) =>
    plainLine(`${'  '.repeat(Math.min(depth, most))}${span.name}`, most),
  )
  const titleWidth = longest(titles)
  const axis = { from: root.start, to: endOf(rows), cells: room - titleWidth }

  return rows
    .map(({ span }, row) => {
      const head = `${fillEnd(titles[row] ?? '', titleWidth)}  ${span.status.padEnd(statusWidth)}`
      return `${head}  ${(times[row] ?? '').padStart(timeWidth)} ${bar(span, axis)}`.trimEnd() + '\n'
    })
    .join('')
}

function checkWidth(width: number): void {
  if (Number.isInteger(width) && width >= LEAST_WIDTH && width <= MOST_WIDTH) return
  const must = `a whole number from ${LEAST_WIDTH} to ${MOST_WIDTH}`
  throw new BuslineError('INVALID_OPTION', `waterfall.width must be ${must}, not ${String(width)}.`, {
    data: { option: 'width' },
  })
}

/** Depth first, without recursion: a damaged file may nest as deep as it likes. */
function rowsOf(root: Span): Row[] {
  const rows: Row[] = []
  const open: Row[] = [{ span: root, depth: 0 }]
  for (let row = open.pop(); row; row = open.pop()) {
    const { span, depth } = row
    rows.push(row)
    // Not by a spread: one of very many overflows the stack.
    for (const child of span.children.toReversed()) open.push({ span: child, depth: depth + 1 })
  }
  return rows
}

function endOf(rows: readonly Row[]): number {
  let latest = -Infinity
  for (const { span } of rows) {
    latest = Math.max(latest, span.start + (span.ms ?? 0))
    for (const { time } of span.points) latest = Math.max(latest, time)
  }
  return latest
}

function bar(
  { start, ms, points }: Span,
  { from, to, cells }: { from: number; to: number; cells: number },
): string {
  const total = to - from || 1
  const cellOf = (time: number): number =>
    Math.min(cells - 1, Math.max(0, Math.floor(((time - from) / total) * cells)))
  const first = cellOf(start)
  const last = Math.max(
    first,
    ms === undefined ? cells - 1 : Math.ceil(((start + ms - from) / total) * cells) - 1,
  )
  const shade = ms === undefined ? '░' : '█'
  const drawn = ' '.repeat(first) + shade.repeat(Math.min(last, cells - 1) - first + 1)
  if (points.length === 0) return drawn
  const marked = drawn.padEnd(cells).split('')
  for (const { time } of points) marked[cellOf(time)] = '•'
  return marked.join('')
}

/** At most 10 characters, whatever a damaged file says. */
function shortMs(ms: number): string {
  if (Math.abs(ms) >= 1e9) return ms.toExponential(1)
  return ms >= 100 ? String(Math.round(ms)) : String(Math.round(ms * 10) / 10)
}

function longest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, textWidth(text)), 0)
}
