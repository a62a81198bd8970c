import { visibleLine, type JournalRecord } from 'busline'
import { cutToWidth, fillEnd } from 'busline/journal'
import { jsonLine } from '../function-chat/json-line.ts'
import { duration } from './describe-turn.ts'
import { excerpt } from './excerpt.ts'
import { statusStyle, type Paint } from './paint.ts'

/** Columns of what a message says, where there is room for no more, and on a screen where there is not even that. */
const EXCERPT = { usual: 40, least: 16 }

/** What stands before it, and what a screen that is narrower does without, in this order; of the kind a sign stays. */
const PLACE = 102
const SPARE = [
  ['session', 11],
  ['id', 21],
  ['kind', 6],
] as const

/** One message on an aligned line: number, time since the start, kind, type, session, id, duration, status, what it says. */
export function describeEvent(
  record: JournalRecord,
  { line, start, width, paint }: { line: number; start: number; width: number; paint: Paint },
): string {
  const { kind, type, session, status, ms } = record
  const { left, room } = fitted(width)
  const place = [
    String(line).padStart(6),
    offset(record.time - start).padStart(9),
    paint('dim', left.has('kind') ? signOf(kind) : cell(kind, 7)),
    paint(kind === 'command' ? 'cyan' : 'reset', cell(type, 24)),
    ...(left.has('session') ? [] : [cell(session ?? '-', 10)]),
    ...(left.has('id') ? [] : [cell(idOf(record) ?? '-', 20)]),
    (ms === undefined ? '' : duration(ms)).padStart(9),
    paint(statusStyle(status ?? 'ok'), cell(status ?? '', 9)),
  ].join(' ')
  return `${place} ${cutToWidth(excerpt(record, room), room)}`.trimEnd() + '\n'
}

/** What is left out on a screen, and how wide the last column is. */
function fitted(width: number): { left: ReadonlySet<string>; room: number } {
  const left = new Set<string>()
  let place = PLACE
  for (const [column, columns] of SPARE) {
    if (place + EXCERPT.usual <= width) break
    left.add(column)
    place -= columns
  }
  return { left, room: width === Infinity ? EXCERPT.usual : Math.max(EXCERPT.least, width - place) }
}

/** A command goes out, a result comes back. */
export function signOf(kind: string): string {
  return kind === 'command' ? '→' : kind === 'result' ? '←' : kind === 'event' ? '•' : ' '
}

/** The same for programs: every key always there, in this order. */
export function eventLine(record: JournalRecord, line: number): string {
  const { time, kind, type, session, turn, cause, ms, status, by } = record
  return jsonLine({
    line,
    time,
    kind,
    type,
    id: idOf(record),
    session: session ?? null,
    turn: turn ?? null,
    cause: cause ?? null,
    ms: ms ?? null,
    status: status ?? null,
    by: by ?? null,
    excerpt: excerpt(record, 200),
  })
}

/** A result is known by the id of its command. */
function idOf({ id, of }: JournalRecord): string | null {
  return id ?? of ?? null
}

function cell(text: string, width: number): string {
  return fillEnd(cutToWidth(visibleLine(text, 2 * width), width), width)
}

function offset(ms: number): string {
  const sign = ms < 0 ? '-' : '+'
  const seconds = Math.abs(ms) / 1000
  if (seconds < 100) return `${sign}${seconds.toFixed(3)}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 600) return `${sign}${minutes}m${(seconds - minutes * 60).toFixed(1)}s`
  return `${sign}${(minutes / 60).toFixed(1)}h`
}
