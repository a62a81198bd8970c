import { jsonFileSessions, ListSessions, MessageBus, visibleLine, type SessionSummary } from 'busline'
import { counted } from './counted.ts'
import { jsonLine } from './json-line.ts'

/** `--list-sessions`: a table for people, one object a line for programs. */
export async function listSessions(dir: string, json: boolean): Promise<string> {
  const bus = new MessageBus()
  try {
    bus.attach(jsonFileSessions(dir))
    const sessions = await bus.execute(ListSessions, {})
    if (json)
      return sessions
        .map(({ id, name, model, turns, updatedAt }) => jsonLine({ id, name, model, turns, updatedAt }))
        .join('')
    return `${sessions.length === 0 ? `No sessions in ${dir}.` : listing(sessions)}\n`
  } finally {
    await bus.stop()
  }
}

/** Sessions as a table, last updated first; `*` marks the current one. */
export function listing(sessions: readonly SessionSummary[], current?: string): string {
  const rows = sessions.map(({ id, name, model, turns, updatedAt }) => [
    `${id === current ? '*' : ' '} ${id}`,
    counted(turns, 'turn'),
    new Date(updatedAt).toISOString().slice(0, 16).replace('T', ' '),
    visibleLine(model ?? '-', 40),
    visibleLine(name ?? '', 60),
  ])
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
