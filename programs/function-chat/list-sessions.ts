import { jsonFileSessions, ListSessions, MessageBus, visibleLine, type SessionSummary } from 'busline'
import { fillEnd, textWidth } from 'busline/journal'
import { counted } from './counted.ts'
import { jsonLine } from './json-line.ts'

/**
 * `--list-sessions`: a table for people, one object a line for programs. `unreadable` counts the sessions that are left out;
 * the store warns of each (`BUSLINE_SESSION_SKIPPED`), which {@link sayWarnings} says.
 */
export async function listSessions(
  dir: string,
  json: boolean,
): Promise<{ text: string; unreadable: number }> {
  const bus = new MessageBus()
  let unreadable = 0
  const count = (warning: Error): void => {
    if ('code' in warning && warning.code === 'BUSLINE_SESSION_SKIPPED') unreadable++
  }
  process.on('warning', count)
  try {
    bus.attach(jsonFileSessions(dir))
    const sessions = await bus.execute(ListSessions, {})
    // Warnings are emitted in a tick of their own.
    await new Promise((resolve) => setImmediate(resolve))
    const none = `No sessions in ${visibleLine(dir)}.`
    const text = json
      ? sessions.map(summaryLine).join('')
      : `${sessions.length === 0 ? none : listing(sessions)}\n`
    return { text, unreadable }
  } finally {
    process.off('warning', count)
    await bus.stop()
  }
}

function summaryLine({ id, name, model, turns, updatedAt }: SessionSummary): string {
  return jsonLine({ id, name, model, turns, updatedAt })
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
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => textWidth(row[column] ?? ''))))
  return rows
    .map((row) =>
      row
        .map((cell, column) => fillEnd(cell, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
