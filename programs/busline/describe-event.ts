import { visibleLine, type JournalRecord } from 'busline'
import { jsonLine } from '../function-chat/json-line.ts'
import { duration } from './describe-turn.ts'
import { excerpt } from './excerpt.ts'
import { statusStyle, type Paint } from './paint.ts'

const SHORTEST_EXCERPT = 40

/** One message on an aligned line: number, time since the start, kind, type, session, id, duration, status, what it says. */
export function describeEvent(
  record: JournalRecord,
  { line, start, columns, paint }: { line: number; start: number; columns: number; paint: Paint },
): string {
  const { kind, type, session, status, ms } = record
  const place = [
    String(line).padStart(6),
    offset(record.time - start).padStart(9),
    paint('dim', cell(kind, 7)),
    paint(kind === 'command' ? 'cyan' : 'reset', cell(type, 24)),
    cell(session ?? '-', 10),
    cell(idOf(record) ?? '-', 20),
    (ms === undefined ? '' : duration(ms)).padStart(9),
    paint(statusStyle(status ?? 'ok'), cell(status ?? '', 9)),
  ].join(' ')
  return `${place} ${excerpt(record, Math.max(SHORTEST_EXCERPT, columns - 103))}`.trimEnd() + '\n'
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
  return visibleLine(text, width).padEnd(width)
}

function offset(ms: number): string {
  const sign = ms < 0 ? '-' : '+'
  const seconds = Math.abs(ms) / 1000
  if (seconds < 100) return `${sign}${seconds.toFixed(3)}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 600) return `${sign}${minutes}m${(seconds - minutes * 60).toFixed(1)}s`
  return `${sign}${(minutes / 60).toFixed(1)}h`
}
