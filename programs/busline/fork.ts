import { visibleLine, type JsonValue } from 'busline'
import { forkPath, forkRun, lineOf, segmentsOf, type Fork, type SessionProblem } from 'busline/journal'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram, type Terminal } from './command.ts'
import { openRun, RUN_HELP, RUN_OPTIONS } from './open-run.ts'
import { runFork } from './run-fork.ts'
import { spooled } from './spooled.ts'
import { tornBytes } from './torn-tail.ts'

const HELP = `Forks a run at one of its lines, also inside a turn: a journal and sessions of its own, to go on from
there. With --run it asks "what if": the turns from there on again, with another model, prompt or record.

Examples
  busline fork @latest --at 16                                     what was open there is cancelled
  busline fork @latest --at 19 --set output.temperature=30 --open keep
  busline fork @latest --run --model gpt-4o                        the whole run with another model
  busline fork @latest --run --at 19 --set output.temperature=30 --tools live

Usage: busline fork [RUN] --at LINE|ID [options]
  --at LINE|ID           the last line that stays: a number from 1, or the id of a command or event
                         (with --run: default is the line before the first model call)
  --to FILE              the fork's journal (default: forks/NAME.fork-LINE.jsonl beside the run; a second one
                         gets a number, and a fork of a fork stays in that folder)
  --sessions-dir DIR     the fork's sessions (default: beside its journal, NAME.fork-LINE-sessions)
  --set PATH=VALUE       changes the record at the line (data.…, output.…, error.…) or the sessions
                         (model, systemPrompt, name, context.KEY); JSON or a text; may be repeated
  --model NAME, --system-prompt TEXT   the same as --set model=NAME, --set systemPrompt=TEXT
  --open close|keep      commands without a result: cancelled (default), or left to go on with
Run
  --run                  goes on at once, and runs the recorded turns behind the line again
  --tools HOW            a tool call that the record does not answer: stop (default) ends the attempt with exit
                         code 5, live runs it, stub answers { "stubbed": true }, record tells the model that
                         the result is not known
  --this-turn            only the first turn
  --app FILE[#NAME]      what createApp takes (default: function-chat's app as it was started)
  --base-url URL, --offline   as for busline chat; the key is that of the environment
  --json                 one object: { path, run, at, parent, lines, sessionsDir, sessions, refused, closed,
                         open, waiting }; with --run { path, run, at, parent, sessionsDir, turns, answered },
                         a turn being { session, input, parent, fork }
${RUN_HELP}
Forks are no runs of the log directory: @latest, busline runs and busline prune look into logs/, not into
logs/forks/. The newest fork is @latest with --log-dir logs/forks.
Exit codes: 0 well, 1 a turn of --run failed or there was none, 2 usage, 3 damaged file, 4 input or output,
5 a tool call that the record does not answer`

/** `busline fork RUN --at LINE`. */
export const fork = defineProgram({
  name: 'fork',
  help: HELP,
  options: {
    ...RUN_OPTIONS,
    at: { type: 'string' },
    to: { type: 'string' },
    'sessions-dir': { type: 'string' },
    set: { type: 'string', multiple: true },
    model: { type: 'string' },
    'system-prompt': { type: 'string' },
    open: { type: 'string' },
    run: { type: 'boolean' },
    tools: { type: 'string' },
    'this-turn': { type: 'boolean' },
    app: { type: 'string' },
    'base-url': { type: 'string' },
    offline: { type: 'boolean' },
  },
  async run({ values, positionals: [argument, extra] }, terminal) {
    if (extra !== undefined) throw new UsageError('busline fork takes one run.')
    const { at: place, json = false, open = 'close' } = values
    if (open !== 'close' && open !== 'keep') throw new UsageError('--open takes close or keep.')
    if (values.run !== true) {
      if (place === undefined) throw new UsageError('busline fork needs a line: --at 16, or --at ID.')
      const idle = RUN_ONLY.find((option) => values[option] !== undefined)
      if (idle !== undefined) throw new UsageError(`--${idle} says how to run on: give --run too.`)
    } else if (values.open !== undefined)
      throw new UsageError('--run goes on with what is open: leave out --open.')

    const set = changesOf(values)
    const { path } = await spooled(await openRun(argument, values, terminal), terminal.signal)
    const at = place === undefined ? undefined : await lineAt(path, place)
    const isPiped = argument === '-'
    if (values.run === true) {
      const code = await runFork({ path, at, isPiped, set, values }, terminal)
      sayTorn(path, terminal)
      return code
    }

    const to = values.to ?? (isPiped ? forkPath('stdin.jsonl', at ?? 1) : undefined)
    const sessions = values['sessions-dir'] ?? true
    const problems: string[] = []
    const onProblem = ({ seq, type, why }: SessionProblem): void => {
      if (problems.push(`Line ${seq + 1}, ${type}: ${why}.`) > MOST_TOLD) problems.length = MOST_TOLD
    }
    const forked = await forkRun(path, { at: at ?? 1, to, sessions, openCalls: open, set, onProblem })
    await terminal.output.print(json ? jsonLine(shapeOf(forked)) : `${visibleLine(forked.path)}\n`)
    sayTorn(path, terminal)
    for (const line of problems) terminal.say(`${line} A session may lack it.`)
    const isLost = forked.sessions.size === 0 && Object.keys(set).some((name) => !IN_RECORD.test(name))
    if (isLost) terminal.say('No session was open there: what was set for sessions changes nothing.')
    for (const line of toldOf(forked)) terminal.say(line)
    return EXIT.ok
  },
})

/** How many records that changed no session are named. */
const MOST_TOLD = 5

/** What `--set` changes in the record at the line, and not in sessions. */
const IN_RECORD = /^(?:data|output|error)(?:\.|$)/

const RUN_ONLY = ['tools', 'this-turn', 'app', 'base-url', 'offline'] as const

async function lineAt(path: string, place: string): Promise<number> {
  if (!/^\d{1,15}$/.test(place)) return await lineOf(path, place)
  if (Number(place) < 1) throw new UsageError('Lines are counted from 1.')
  return Number(place)
}

function changesOf(values: {
  set?: string[] | undefined
  model?: string | undefined
  'system-prompt'?: string | undefined
}): Record<string, JsonValue> {
  const changes = (values.set ?? []).map((text): [string, JsonValue] => {
    const equals = text.indexOf('=')
    if (equals < 1) throw new UsageError(`--set takes PATH=VALUE, not ${JSON.stringify(text)}.`)
    return [text.slice(0, equals), valueOf(text.slice(equals + 1))]
  })
  const { model, 'system-prompt': systemPrompt } = values
  if (model !== undefined) changes.push(['model', model])
  if (systemPrompt !== undefined) changes.push(['systemPrompt', systemPrompt])
  return Object.fromEntries(changes)
}

function valueOf(text: string): JsonValue {
  try {
    const value: JsonValue = JSON.parse(text)
    return value
  } catch {
    return text
  }
}

function shapeOf({ sessions, ...rest }: Fork): Omit<Fork, 'sessions'> & { sessions: string[] } {
  return { ...rest, sessions: [...sessions.keys()] }
}

/** What was done, and how to go on. */
function toldOf(forked: Fork): string[] {
  const { parent, at, lines, sessions, sessionsDir, closed, open, waiting, refused } = forked
  const list = (commands: Fork['open']): string => commands.map(({ id, type }) => `${type} ${id}`).join(', ')
  const kept = [...sessions.values()]
  return [
    `Forked ${parent.file} behind line ${at}: ${lines} lines, run ${forked.run}.`,
    ...(closed.length > 0 ? [`Cancelled what was open: ${list(closed)}.`] : []),
    ...(open.length > 0 ? [`Left open: ${list(open)}.`] : []),
    ...waiting.map(({ input }) => visibleLine(`Said, and in no session yet: ${JSON.stringify(input)}`, 400)),
    ...refused.map((id) => `${visibleLine(id, 80)} can't name a session, so it has no file.`),
    ...kept
      .filter(({ id }) => !refused.includes(id))
      .map(({ id, openTurn }) => {
        const resume = openTurn === undefined ? '' : ' (/resume goes on with its open turn)'
        return `Go on with: busline chat --session ${id} --sessions-dir ${shellWord(sessionsDir ?? '')}${resume}`
      }),
  ]
}

/** A writer was killed, or is just writing. */
function sayTorn(path: string, terminal: Terminal): void {
  const bytes = tornBytes(segmentsOf(path).at(-1) ?? path)
  if (bytes > 0) terminal.say(`${path} ends in ${bytes} bytes that are no line; the fork has none of them.`)
}

/** As a shell takes it for one word. */
function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
