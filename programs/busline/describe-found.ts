import { visibleLine } from 'busline'
import {
  fillEnd,
  searchedText,
  textWidth,
  type Filter,
  type Found,
  type RunLine,
  type TextRange,
} from 'busline/journal'
import { jsonLine } from '../function-chat/json-line.ts'
import type { Terminal } from './command.ts'
import { signOf } from './describe-event.ts'
import { duration } from './describe-turn.ts'
import { painter, statusStyle, type Paint } from './paint.ts'

type Screen = Pick<Terminal, 'color' | 'columns'>

/** Characters of the excerpt where there is room for no more, and around a match at least. */
const LEAST = 40
const BEFORE = 24

/** One object a line; `match` is false for lines of context. */
export function foundLine(run: string, { line, matches }: Found, filter: Filter): string {
  const { time, kind, type, id, of, session, turn, status, ms } = line.envelope
  const text = searchedText(line)
  return jsonLine({
    run,
    line: line.line,
    match: matches,
    time,
    kind,
    type,
    id: id ?? of ?? null,
    session: session ?? null,
    turn: turn ?? null,
    status: status ?? null,
    ms: ms ?? null,
    excerpt: excerptOf(text, marksOf(text, matches, filter), 120)
      .map(({ part }) => part)
      .join(''),
    record: recordOf(line),
  })
}

/** As the file has it: big values that stand beside it are references. */
function recordOf(line: RunLine): unknown {
  const text = line.text()
  return text.includes('"$blob"') ? JSON.parse(text) : line.record()
}

/** Number, time, what it is, how it ended, and an excerpt with what was sought marked. */
export function foundText({ line, matches }: Found, filter: Filter, { color, columns }: Screen): string {
  const paint = painter(color)
  const { time, kind, type, status, ms } = line.envelope
  const text = searchedText(line)
  const sign = matches ? ':' : '-'
  const head = [
    `${String(line.line).padStart(5)}${sign}`,
    clock(time),
    signOf(kind),
    fillEnd(visibleLine(type, 40), 20),
    visibleLine(status ?? '', 12).padEnd(9),
    (ms === undefined ? '' : duration(ms)).padStart(9),
  ]
  const room = Math.max(LEAST, columns - textWidth(head.join(' ')) - 2)
  const [number = '', at = '', sort = '', what = '', end = '', took = ''] = head
  const shown = excerptOf(text, marksOf(text, matches, filter), room)
  return `${[
    paint('green', number),
    paint('dim', at),
    sort,
    paint('cyan', what),
    status === undefined ? end : paint(statusStyle(status), end),
    took,
  ].join(' ')}  ${painted(shown, matches, paint)}\n`
}

/** Between lines that do not follow each other, as grep has it. */
export function contextBreak({ color }: Screen): string {
  return `${painter(color)('dim', '--')}\n`
}

function painted(parts: readonly Part[], matches: boolean, paint: Paint): string {
  return parts
    .map(({ part, marked }) => (marked ? paint(['bold', 'red'], part) : matches ? part : paint('dim', part)))
    .join('')
}

function marksOf(text: string, matches: boolean, filter: Filter): TextRange[] {
  return matches ? filter.marks(text) : []
}

interface Part {
  readonly part: string
  readonly marked: boolean
}

/** The surroundings of the first mark, or else the beginning of the heavy field, visible and at most about `room` characters. */
function excerptOf(text: string, marks: readonly TextRange[], room: number): Part[] {
  const begin = heavyStart(text)
  const [first] = marks
  const from = first && first.to > begin + room ? Math.max(begin, first.from - BEFORE) : begin
  const to = Math.min(text.length, from + room)
  const parts: Part[] = from > begin ? [{ part: '…', marked: false }] : []
  let at = from
  for (const mark of marks) {
    if (mark.from >= to) break
    if (mark.from > at) parts.push({ part: visibleLine(text.slice(at, mark.from), room), marked: false })
    parts.push({ part: visibleLine(text.slice(mark.from, Math.min(to, mark.to)), room), marked: true })
    at = mark.to
  }
  if (at < to) parts.push({ part: visibleLine(text.slice(at, to), room), marked: false })
  if (to < text.length) parts.push({ part: '…', marked: false })
  return parts
}

const HEAVY = /,"(?:data|output|error)":/

/** After the name of the heavy field; the end of a line that has none. */
function heavyStart(text: string): number {
  const found = HEAVY.exec(text)
  return found ? found.index + 1 : text.length
}

function clock(time: number): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? '?'.padEnd(12) : date.toISOString().slice(11, 23)
}
