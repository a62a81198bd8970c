import { visibleLine } from 'busline'
import type { ExportFilter } from 'busline/journal'
import { EXIT } from '../function-chat/exit-codes.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram } from './command.ts'
import { exportOtlp, OTLP_HELP, OTLP_OPTIONS } from './export-otlp.ts'
import { PART_OPTIONS, partOf } from './export-part.ts'
import { writePieces } from './export-target.ts'
import { openRun, RUN_HELP, RUN_OPTIONS, type OpenedRun } from './open-run.ts'

const HELP = `Writes a run in a format of others: for people, spreadsheets, trace viewers, fine-tuning, OpenTelemetry.

Examples
  busline export                                        the last run as Markdown
  busline export @latest --format csv --table calls     its model and tool calls as a table
  busline export @latest --format perfetto --out trace.json
                                                        open it in https://ui.perfetto.dev
  busline export @latest --format openai --tools tools.json --out train.jsonl
  busline export @latest --format otlp --endpoint http://localhost:4318

Usage: busline export [RUN] [--format FORMAT] [--out FILE] [--session ID] [--turn N]
${RUN_HELP}
  --format FORMAT    markdown (default), csv, perfetto, openai, otlp
  --out FILE         where to write, for its owner alone: a new file; - (the default) is stdout
  --session ID       one session; the beginning of its id is enough
  --turn N           one turn: its number, or the beginning of its id
  --log-dir DIR      default logs
With --format csv:
  --table TABLE      records (default: a row a line of the journal), calls, turns. A text that a spreadsheet would
                     take for a formula has an apostrophe before it
With --format openai:
  --tools FILE       what the model is told of the tools, a JSON list: journals hold their names only
  --per WHAT         session (default: a line a session) or turn
  --weights WHICH    all (default), or last: only the last answer of a line is trained
  --failed           also turns that failed or were cancelled
${OTLP_HELP}
What was left out is told on stderr.
Exit codes: 0 well, 1 a server answered and refused spans or a request, 2 usage, 3 damaged file, or no journal, 4 a file
can't be read or written, or no server be reached, 130 Ctrl-C`

const OPTIONS = {
  ...RUN_OPTIONS,
  ...PART_OPTIONS,
  ...OTLP_OPTIONS,
  format: { type: 'string' },
  out: { type: 'string' },
  table: { type: 'string' },
  tools: { type: 'string' },
  per: { type: 'string' },
  weights: { type: 'string' },
  failed: { type: 'boolean' },
} as const

/** Which options are for one format alone. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  markdown: [],
  csv: ['table'],
  perfetto: [],
  openai: ['tools', 'per', 'weights', 'failed'],
  otlp: [...Object.keys(OTLP_OPTIONS), 'json'],
}

/** `busline export`. */
export const exportCommand = defineProgram({
  name: 'export',
  help: HELP,
  options: OPTIONS,
  async run({ values, positionals: [wanted, extra] }, terminal) {
    const { format: given = 'markdown', out = '-' } = values
    const format = given === 'md' ? 'markdown' : given
    if (extra !== undefined) throw new UsageError('busline export takes one run.')
    if (out === '') throw new UsageError('--out must not be empty; - is stdout.')
    checkFormat(format, values)
    const opened = await openRun(wanted, values, terminal)
    const { run, part } = await partOf(opened, values, terminal.signal)
    if (format === 'otlp') {
      if (out !== '-') throw new UsageError('--format otlp writes to stdout or to an --endpoint.')
      return await exportOtlp({ records: () => ofPart(run, part) }, values, terminal)
    }
    const { piecesOf } = await import('./export-pieces.ts')
    await writePieces(piecesOf(format, run, part, values, terminal), out, terminal)
    return EXIT.ok
  },
})

function checkFormat(format: string, values: Readonly<Record<string, unknown>>): void {
  const own = Object.hasOwn(OWN, format) ? OWN[format] : undefined
  const formats = Object.keys(OWN)
  if (!own) throw new UsageError(`--format ${visibleLine(format, 40)} is none of ${formats.join(', ')}.`)
  if (values['json'] === true && format !== 'otlp')
    throw new UsageError(
      `--json says nothing here: ${format} is the format. For records as NDJSON, read the journal itself.`,
    )
  const foreign = formats.find((one) =>
    OWN[one]?.some((option) => values[option] !== undefined && !own.includes(option)),
  )
  const option = OWN[foreign ?? '']?.find((name) => values[name] !== undefined)
  if (foreign !== undefined) throw new UsageError(`--${option} is for --format ${foreign}.`)
}

async function* ofPart(run: OpenedRun, { session, turn }: ExportFilter): ReturnType<OpenedRun['records']> {
  for await (const record of run.records()) {
    const isPart =
      (session === undefined || record.session === session) && (turn === undefined || record.turn === turn)
    // Where another process went on ends what was open, of every part.
    if (record.kind === 'header' || record.type === 'bus.opened' || isPart) yield record
  }
}
