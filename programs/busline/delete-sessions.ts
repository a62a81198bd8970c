import { createInterface } from 'node:readline/promises'
import {
  BuslineError,
  CloseSession,
  DeleteSession,
  ListSessions,
  OpenSession,
  visibleLine,
  type Bus,
} from 'busline'
import { counted } from '../function-chat/counted.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import type { Terminal } from './command.ts'
import { explained } from './with-sessions.ts'

/**
 * Deletes sessions by their whole ids, after asking where there is a terminal to ask in. Resolves to how many are gone.
 *
 * @throws UsageError without `yes` where nobody can be asked
 */
export async function deleteSessions(
  bus: Bus,
  ids: readonly string[],
  { dir, yes, json }: { dir: string; yes: boolean; json: boolean },
  terminal: Terminal,
): Promise<number> {
  if (!yes && !(process.stdin.isTTY && process.stderr.isTTY))
    throw new UsageError('busline sessions delete asks in a terminal; elsewhere it wants --yes.')
  const known = await bus.execute(ListSessions, {})
  let gone = 0
  for (const id of ids) {
    const about = known.find((session) => session.id === id)
    const named = about?.name ? ` (${visibleLine(about.name, 60)})` : ''
    const question = `Delete session ${visibleLine(id, 80)}${named}${about ? `, ${counted(about.turns, 'turn')}` : ''}? [y/N] `
    if (!yes && !about) await checkThere(bus, id, dir)
    if (!yes && !(await isAgreed(question, terminal.signal))) continue
    try {
      await bus.execute(DeleteSession, { id })
    } catch (error) {
      throw await explained(bus, error, { id, dir })
    }
    gone++
    await terminal.output.print(json ? jsonLine({ id, deleted: true }) : `Session ${id} is deleted.\n`)
  }
  return gone
}

/** That of a damaged file is in no list, and may go. @throws BuslineError `SESSION_NOT_FOUND` */
async function checkThere(bus: Bus, id: string, dir: string): Promise<void> {
  try {
    await bus.execute(OpenSession, { id, create: false })
    await bus.session(id).execute(CloseSession, {})
  } catch (error) {
    if (error instanceof BuslineError && error.code === 'SESSION_NOT_FOUND')
      throw await explained(bus, error, { id, dir })
  }
}

async function isAgreed(question: string, signal: AbortSignal): Promise<boolean> {
  // Not as a terminal: Ctrl-C stays a signal, which ends the command as everywhere.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false })
  try {
    return /^y(es)?$/i.test((await lines.question(question, { signal })).trim())
  } finally {
    lines.close()
  }
}
