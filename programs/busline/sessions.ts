import { EXIT } from '../function-chat/exit-codes.ts'
import { listSessions } from '../function-chat/list-sessions.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram } from './command.ts'
import { deleteSessions } from './delete-sessions.ts'
import { nearest } from './nearest.ts'
import { RUN_HELP, RUN_OPTIONS } from './open-run.ts'
import { painter } from './paint.ts'
import { describeSession, messageLine, SESSION_FORMATS } from './session-formats.ts'
import { readSession, withSessions } from './with-sessions.ts'

const HELP = `Lists, shows, exports and deletes the sessions that chats keep, and rebuilds them from a run.

Examples
  busline sessions list
  busline sessions show 3ahf                           the beginning of an id is enough
  busline sessions export 3ahf --format md > talk.md
  busline sessions export 3ahf --format openai | jq .messages
  busline sessions delete 3ahfv0bq2x --yes
  busline sessions rebuild @latest --sessions-dir rebuilt

Usage: busline sessions list | show ID | export ID | delete ID… | rebuild [RUN] [--sessions-dir DIR] [--json]
  --sessions-dir DIR   default sessions
  --format FORMAT      of export: json (default; the file of a session, to be put into another folder as
                       ID.json), openai ({ messages } for a server; busline export makes fine-tuning files), md
  --yes                delete without asking; it takes whole ids
  --session ID         of rebuild: one session of the run; the beginning of an id is enough
  --force              of rebuild: write over another session of the same id
  --log-dir DIR        of rebuild: where runs are (default logs)
  --json               list: { id, name, model, turns, updatedAt } a line; show: one message a line;
                       delete: { id, deleted }; rebuild: { id, written, turns, messages, error } a line
${RUN_HELP}
A session that a running program holds is shown and exported when that has closed it.
Exit codes: 0 well, 1 not deleted, 2 usage and unknown sessions, 3 damaged file, 4 a file can't be read or
is in use`

const ACTIONS = ['list', 'show', 'export', 'delete', 'rebuild']

/** `busline sessions`. */
export const sessions = defineProgram({
  name: 'sessions',
  help: HELP,
  options: {
    ...RUN_OPTIONS,
    'sessions-dir': { type: 'string' },
    session: { type: 'string' },
    force: { type: 'boolean' },
    format: { type: 'string' },
    yes: { type: 'boolean' },
  },
  async run({ values, positionals: [action = 'list', ...ids] }, terminal) {
    const { json = false, yes = false, 'sessions-dir': dir = 'sessions' } = values
    const { output, color } = terminal
    if (dir === '') throw new UsageError('--sessions-dir must not be empty.')
    switch (action) {
      case 'list': {
        if (ids.length > 0) throw new UsageError('busline sessions list takes no session.')
        const { text, unreadable } = await listSessions(dir, json)
        await output.print(text)
        return unreadable > 0 ? EXIT.damaged : EXIT.ok
      }
      case 'show': {
        const session = await withSessions(dir, (bus) => readSession(bus, only(ids, action), dir))
        if (!json) await output.print(describeSession(session, painter(color)))
        else for (const message of session.messages) await output.print(messageLine(session.id, message))
        return EXIT.ok
      }
      case 'export': {
        const write = format(values.format)
        const session = await withSessions(dir, (bus) => readSession(bus, only(ids, action), dir))
        await output.print(write(session))
        return EXIT.ok
      }
      case 'delete': {
        if (ids.length === 0) throw new UsageError('busline sessions delete takes the ids of sessions.')
        const gone = await withSessions(dir, (bus) => deleteSessions(bus, ids, { dir, yes, json }, terminal))
        return gone === ids.length ? EXIT.ok : EXIT.failed
      }
      case 'rebuild': {
        const [run, extra] = ids
        if (extra !== undefined) throw new UsageError('busline sessions rebuild takes one run.')
        const { rebuildSessions } = await import('./sessions-rebuild.ts')
        const { session, force = false } = values
        const options = { run, session, sessionsDir: dir, 'log-dir': values['log-dir'], force, json }
        return rebuildSessions(options, terminal)
      }
      default:
        throw new UsageError(unknownAction(action))
    }
  },
})

function only(ids: readonly string[], action: string): string {
  const [id, extra] = ids
  if (id !== undefined && id !== '' && extra === undefined) return id
  throw new UsageError(`busline sessions ${action} takes one session. busline sessions list tells them.`)
}

function format(name = 'json'): (typeof SESSION_FORMATS)[string] {
  const write = Object.hasOwn(SESSION_FORMATS, name) ? SESSION_FORMATS[name] : undefined
  if (write) return write
  throw new UsageError(`--format must be one of ${Object.keys(SESSION_FORMATS).join(', ')}.`)
}

function unknownAction(action: string): string {
  const [near] = nearest(action, ACTIONS, 1)
  const hint = near === undefined ? `It knows ${ACTIONS.join(', ')}.` : `Did you mean ${near}?`
  return `busline sessions can't ${JSON.stringify(action)}. ${hint}`
}
