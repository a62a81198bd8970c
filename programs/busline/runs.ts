import { BuslineError, visibleLine } from 'busline'
import { counted } from '../function-chat/counted.ts'
import { dollars } from '../function-chat/dollars.ts'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram } from './command.ts'
import { duration, instant } from './describe-turn.ts'
import { RUN_OPTIONS } from './open-run.ts'
import { painter, statusStyle } from './paint.ts'
import { isFolder, runFiles } from './run-files.ts'
import { runRow, type RunRow } from './run-row.ts'
import { table, type Column } from './table.ts'

const HELP = `Lists the runs of a folder, last written first.

Examples
  busline runs
  busline runs other/logs -n 5
  busline runs --full --json | jq 'select(.errors > 0).file'

Usage: busline runs [DIR] [-n N] [--full] [--json]
  DIR               default: --log-dir, that is logs
  -n, --last N      at most N of them (default 20)
  --all             all of them
  --full            read large files whole; of a file over 1 MB else only its ends are read, and what that does
                    not tell is shown as ~
  --json            one object a run: { run, name, file, startedAt, ms, state, pid, lines, bytes, turns, sessions,
                    models, inputTokens, outputTokens, cost, errors }
State: running (a live process holds it), ended, interrupted (commands have no result: the process was killed;
  of a large file its last 2000 lines tell), torn (it ends in the middle of a line), damaged.
Exit codes: 0 well, 2 usage or no such folder, 4 a file can't be read`

const LAST = 20
const SMALL_BYTES = 1024 * 1024

/** `busline runs [DIR]`. */
export const runs = defineProgram({
  name: 'runs',
  help: HELP,
  options: {
    ...RUN_OPTIONS,
    last: { type: 'string', short: 'n' },
    all: { type: 'boolean' },
    full: { type: 'boolean' },
  },
  async run({ values, positionals: [given, extra] }, { output, say, signal, color, width }) {
    if (extra !== undefined) throw new UsageError('busline runs takes one folder.')
    const { json = false, full = false, all = false } = values
    const dir = given ?? values['log-dir'] ?? 'logs'
    if (!isFolder(dir)) {
      const hint = given === undefined ? ' --log-dir names another.' : ''
      throw new BuslineError('RUN_NOT_FOUND', `There is no folder ${visibleLine(dir, 200)}.${hint}`, {
        data: { dir },
      })
    }
    const most = all ? Infinity : wanted(values.last)
    const found = runFiles(dir)
    const rows: RunRow[] = []
    for (const run of found.slice(0, most)) {
      if (signal.aborted || output.failure !== undefined) return EXIT.ok
      const row = await runRow(run, full || run.bytes <= SMALL_BYTES)
      if (json) await output.print(jsonLine(row))
      else rows.push(row)
    }
    if (json) return EXIT.ok
    if (rows.length === 0) await output.print(`No runs in ${visibleLine(dir, 200)}.\n`)
    else {
      const [head = '', ...lines] = table(rows, COLUMNS, width)
      const paint = painter(color)
      const colored = lines.map((line, index) => withState(line, rows[index]?.state ?? '', paint))
      await output.print([paint('bold', head), ...colored].map((line) => `${line}\n`).join(''))
    }
    if (found.length > rows.length)
      say(`${counted(found.length - rows.length, 'more run')}; --all lists them.`)
    return EXIT.ok
  },
})

function wanted(last = String(LAST)): number {
  if (/^[1-9]\d{0,8}$/.test(last)) return Number(last)
  throw new UsageError(`--last takes a whole number from 1, not ${JSON.stringify(last)}.`)
}

const COLUMNS: readonly Column<RunRow>[] = [
  { title: 'id', spare: 6, cell: ({ run }) => visibleLine(run ?? '-', 14) },
  { title: 'file', least: 20, cell: ({ name }) => visibleLine(name, 40) },
  { title: 'start', spare: 3, cell: ({ startedAt }) => minute(startedAt) },
  { title: 'took', align: 'right', spare: 2, cell: ({ ms }) => (ms === null ? '-' : took(ms)) },
  { title: 'turns', align: 'right', cell: ({ turns }) => count(turns) },
  { title: 'sessions', align: 'right', spare: 5, cell: ({ sessions }) => count(sessions) },
  { title: 'model', spare: 2, cell: ({ models }) => modelNames(models) },
  { title: 'tokens', align: 'right', spare: 1, cell: tokens },
  { title: 'cost', align: 'right', spare: 1, cell: cost },
  { title: 'errors', align: 'right', cell: ({ errors }) => count(errors) },
  { title: 'size', align: 'right', spare: 4, cell: ({ bytes }) => size(bytes) },
  { title: 'state', cell: ({ state }) => state },
]

/** The state is what a line ends with. */
function withState(line: string, state: string, paint: ReturnType<typeof painter>): string {
  if (state === 'ended') return line
  const style = state === 'running' ? 'cyan' : statusStyle(state)
  return `${line.slice(0, line.length - state.length)}${paint(style, state)}`
}

function count(number: number | null): string {
  return number === null ? '~' : String(number)
}

function modelNames(models: readonly string[] | null): string {
  if (models === null) return '~'
  const [first = '-', ...others] = models
  return visibleLine(first, 30) + (others.length > 0 ? ` +${others.length}` : '')
}

function tokens({ inputTokens, outputTokens }: RunRow): string {
  return inputTokens === null || outputTokens === null ? '~' : String(inputTokens + outputTokens)
}

function cost({ turns, cost: told }: RunRow): string {
  if (turns === null) return '~'
  return told === null ? '?' : `$${dollars(told)}`
}

function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

function took(ms: number): string {
  if (ms < 60_000) return duration(ms)
  return ms < 6_000_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}

function minute(time: number | null): string {
  return time === null ? '-' : instant(time).slice(0, 16).replace('T', ' ')
}
