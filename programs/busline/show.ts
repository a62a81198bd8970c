import { EXIT } from '../function-chat/exit-codes.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram } from './command.ts'
import { openRun, RUN_HELP } from './open-run.ts'
import { SHOW_OPTIONS, shownOf } from './show-options.ts'
import { spooled } from './spooled.ts'

const HELP = `Shows a run: as a conversation, turn by turn, or message by message.

Examples
  busline show                          the last turns of the last run
  busline show 20261121T0900 --turn 2   one turn of another, by the beginning of its name
  busline show --messages               with all texts in full
  busline show --events                 every message, a line each
  busline show logs/run.jsonl --json | jq .reply
  busline show --raw --session 3ahf | jq 'select(.kind == "result").ms'

Usage: busline show [RUN] [options]
${RUN_HELP}
  --turn N|ID       one turn: by number (-1 is the last; write --turn=-1) or the beginning of its id
  --session ID      what belongs to a session; the beginning of an id is enough
  -n, --last N      the last N turns (default 20), or lines of --events and --raw (default all)
  --all             all turns
  --messages        the messages of each turn in full
  --events          one line a message: line, time since the start, kind, type, session, id, duration, status,
                    what it says; a result has the id of its command
  --raw             the lines as they are in the file
  --json            one object a turn (all of them unless -n), with --events one object a message; a turn that went
                    on after a crash has one for each part (resumed: true)
  --log-dir DIR     default logs
A run without turns, of a bus of your own, is shown as with --events.
Exit codes: 0 well, 2 usage or no such run, turn or session, 3 damaged file, 4 the file can't be read`

/** `busline show [RUN]`. */
export const show = defineProgram({
  name: 'show',
  help: HELP,
  options: SHOW_OPTIONS,
  async run({ values, positionals: [argument, extra] }, terminal) {
    if (extra !== undefined)
      throw new UsageError('busline show takes one run. Example: busline show @latest --turn 2')
    const shown = shownOf(values)
    const run = await spooled(await openRun(argument, values, terminal), terminal.signal)
    if (values.events || values.raw) {
      const { showEvents } = await import('./show-events.ts')
      await showEvents(run, shown, values.raw ? 'raw' : 'events', terminal)
      return EXIT.ok
    }
    const { showTurns } = await import('./show-turns.ts')
    if ((await showTurns(run, shown, terminal)) > 0) return EXIT.ok
    if (shown.json) terminal.say('There are no turns in it; --events --json has its messages.')
    else {
      const { showEvents } = await import('./show-events.ts')
      await showEvents(run, { ...shown, last: shown.last === Infinity ? Infinity : 200 }, 'events', terminal)
    }
    return EXIT.ok
  },
})
