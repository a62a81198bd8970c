import { visibleLine } from 'busline'
import { RunStats, type RunReport, type TurnRow } from 'busline/journal'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram } from './command.ts'
import { writePieces } from './export-target.ts'
import { openRun, RUN_HELP, RUN_OPTIONS } from './open-run.ts'
import { describeStats, statsTable, turnsTable } from './describe-stats.ts'
import { checkedLines } from './sought-lines.ts'

const HELP = `Adds up a run: calls, tokens, cost, latency by model, tool, session, type or turn.

Examples
  busline stats
  busline stats @latest --by model
  busline stats logs/20261121T090000-4711.jsonl --by turn --json | jq 'select(.ms > 5000)'

Usage: busline stats [RUN…] [--by model|tool|session|type|turn] [--json] [--log-dir DIR]
  --by     the rows of one table (default: the whole run, then models, tools, sessions and types)
  --json   one JSON object a row
${RUN_HELP} Several runs are added up.
A model.call is one attempt. Percentiles are exact for up to 512 calls, then within 1 %.
Exit codes: 0 well, 2 usage, 3 damaged file, 4 the file can't be read, 130 Ctrl-C`

const ROWS = { model: 'models', tool: 'tools', session: 'sessions', type: 'types' } as const
type By = keyof typeof ROWS | 'turn'

/** `busline stats [RUN…] [--by …] [--json]`. */
export const stats = defineProgram({
  name: 'stats',
  help: HELP,
  options: { ...RUN_OPTIONS, by: { type: 'string' } },
  async run({ values, positionals }, terminal) {
    const by = checkBy(values.by)
    let sum: RunStats | undefined
    const names: string[] = []
    for (const argument of positionals.length > 0 ? positionals : [undefined]) {
      const { name, source, onTornTail } = await openRun(argument, values, terminal)
      names.push(name)
      const one = new RunStats({ turnRows: by === 'turn' })
      for await (const batch of checkedLines(source, { onTornTail })) {
        if (terminal.signal.aborted || terminal.output.failure !== undefined) return EXIT.ok
        for (const line of batch) one.take(line)
      }
      if (sum) sum.merge(one)
      else sum = one
    }
    if (!sum) return EXIT.ok
    const report = sum.report()
    const { output } = terminal

    if (values.json) {
      await writePieces(jsonLines(rowsOf(names.join(', '), report, by, sum.turns.rows)), '-', terminal)
      return EXIT.ok
    }
    if (by === undefined)
      await output.print(describeStats(visibleLine(names.join(', '), 200), report, terminal))
    else if (by === 'turn') await writePieces(turnsTable(sum.turns.rows, terminal), '-', terminal)
    else await output.print(statsTable(by, report[ROWS[by]], terminal))
    return EXIT.ok
  },
})

function* jsonLines(rows: Iterable<object>): Generator<string> {
  for (const row of rows) yield jsonLine(row)
}

function checkBy(by: string | undefined): By | undefined {
  if (
    by === undefined ||
    by === 'turn' ||
    by === 'model' ||
    by === 'tool' ||
    by === 'session' ||
    by === 'type'
  )
    return by
  throw new UsageError(`--by takes model, tool, session, type or turn, not ${visibleLine(by, 40)}.`)
}

/** Without a choice: what only a run has (lines, times, turns), the sum over all, then each table. */
function rowsOf(
  name: string,
  report: RunReport,
  by: By | undefined,
  turns: Iterable<TurnRow>,
): Iterable<object> {
  if (by === 'turn') return turns
  if (by !== undefined) return report[ROWS[by]]
  const { all, models, tools, sessions, types, lines, kinds, firstTime, lastTime, turns: ended } = report
  const run = { by: 'run', key: name, lines, kinds, firstTime, lastTime, turns: ended }
  return [run, all, ...models, ...tools, ...sessions, ...types]
}
