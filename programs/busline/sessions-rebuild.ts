import { BuslineError, visibleLine } from 'busline'
import { sessionsIn, writeSession, type Written } from 'busline/journal'
import { EXIT, exitCodeFor } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { counted } from '../function-chat/counted.ts'
import type { Terminal } from './command.ts'
import { openRun } from './open-run.ts'

/** What `busline sessions rebuild RUN` was given. */
export interface RebuildOptions {
  /** Default `@latest`. */
  run: string | undefined
  /** The id of one session, or the beginning of one (default: all that the run holds). */
  session: string | undefined
  sessionsDir: string
  'log-dir'?: string | undefined
  /** Writes over another session of the same id. */
  force: boolean
  json: boolean
}

/**
 * Rebuilds the sessions of a run from its journal and writes their files. One that can't be written is told and does not
 * keep the others. With `json` each is one line `{ id, written, turns, messages, error }`; `written` is `written`, `replaced`,
 * `same` or null.
 */
export async function rebuildSessions(options: RebuildOptions, terminal: Terminal): Promise<number> {
  const { sessionsDir, session: wanted, force, json } = options
  const { output } = terminal
  const run = await openRun(options.run, options, terminal)
  const sessions = await sessionsIn(run.records(), {
    onProblem: ({ seq, type, why }) =>
      terminal.say(`Line ${seq + 1}, ${type}: ${why}. A session may lack it.`),
  })
  const meant = [...sessions.values()].filter(({ id }) => wanted === undefined || id.startsWith(wanted))
  const exact = meant.filter(({ id }) => id === wanted)
  const chosen = exact.length > 0 ? exact : meant
  if (wanted !== undefined && chosen.length !== 1) throw notOne(wanted, run.name, chosen.length)
  if (chosen.length === 0) terminal.say(`The run ${run.name} holds no session.`)

  let code: number = EXIT.ok
  for (const session of chosen) {
    const { id, messages } = session
    let written: Written | null = null
    let error: { code: string; message: string } | null = null
    try {
      written = writeSession(sessionsDir, session, { force })
    } catch (thrown) {
      if (!(thrown instanceof BuslineError)) throw thrown
      error = { code: thrown.code, message: thrown.message }
      code = exitCodeFor(thrown)
      terminal.say(thrown.message)
    }
    const turns = new Set(messages.map(({ turn }) => turn).filter((turn) => turn !== undefined)).size
    if (json) await output.print(jsonLine({ id, written, turns, messages: messages.length, error }))
    else if (written)
      await output.print(
        `${visibleLine(`${id}  ${SAID[written]}, ${counted(messages.length, 'message')}`)}\n`,
      )
  }
  return code
}

const SAID: Readonly<Record<Written, string>> = {
  written: 'written',
  replaced: 'written over what was there',
  same: 'is there already, the same',
}

function notOne(wanted: string, run: string, count: number): BuslineError {
  const what =
    count === 0 ? `holds no session ${wanted}` : `holds ${count} sessions that begin with ${wanted}`
  return new BuslineError('SESSION_NOT_FOUND', `The run ${run} ${what}.`, { data: { session: wanted } })
}
