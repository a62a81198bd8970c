import { plainLine } from './plain-line.ts'
import type { Span } from './span.ts'

export interface WaterfallOptions {
  /** Columns of the whole, default 100, at least 40. */
  width?: number
}

interface Row {
  readonly span: Span
  readonly depth: number
}

/**
 * Shows one span and all below it as bars on a common axis of time, one line each: name, status, duration. `•` marks
 * events and notes on a bar; a span without an end (`░`) is drawn up to the end of the whole. No colours, no control
 * characters.
 */
export function waterfall(root: Span, options: WaterfallOptions = {}): string {
  const width = Math.max(40, options.width ?? 100)
  const rows = rowsOf(root)
  const titles = rows.map(({ span, depth }) => plainLine(`${'  '.repeat(depth)}${span.name}`, width >> 1))
  const times = rows.map(({ span }) => (span.ms === undefined ? 'no end' : `${shortMs(span.ms)} ms`))
  const titleWidth = longest(titles)
  const statusWidth = longest(rows.map(({ span }) => span.status))
  const timeWidth = longest(times)
  const axis = { from: root.start, to: endOf(rows), cells: width - titleWidth - statusWidth - timeWidth - 5 }

  return rows
    .map(({ span }, row) => {
      const head = `${(titles[row] ?? '').padEnd(titleWidth)}  ${span.status.padEnd(statusWidth)}`
      return `${head}  ${(times[row] ?? '').padStart(timeWidth)} ${bar(span, axis)}\n`.replace(/ +\n$/, '\n')
    })
    .join('')
}

/** Depth first, without recursion: a damaged file may nest as deep as it likes. */
function rowsOf(root: Span): Row[] {
  const rows: Row[] = []
  const open: Row[] = [{ span: root, depth: 0 }]
  for (let row = open.pop(); row; row = open.pop()) {
    const { span, depth } = row
    rows.push(row)
    open.push(...span.children.map((child) => ({ span: child, depth: depth + 1 })).toReversed())
  }
  return rows
}

function endOf(rows: readonly Row[]): number {
  const ends = rows.flatMap(({ span: { start, ms = 0, points } }) => [
    start + ms,
    ...points.map(({ time }) => time),
  ])
  return ends.reduce((latest, end) => Math.max(latest, end), -Infinity)
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
  const marks = new Set(points.map(({ time }) => cellOf(time)))
  const drawn = Array.from({ length: cells }, (_, cell) => {
    if (marks.has(cell)) return '•'
    if (cell < first || cell > last) return ' '
    return ms === undefined ? '░' : '█'
  })
  return drawn.join('')
}

function shortMs(ms: number): string {
  return ms >= 100 ? String(Math.round(ms)) : String(Math.round(ms * 10) / 10)
}

function longest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, text.length), 0)
}
