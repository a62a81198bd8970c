import { BuslineError, visibleLine, type PriceTable } from 'busline'
import { repriceRun, type RepricedRun, type RepricedTotal } from 'busline/journal'
import * as z from 'zod'
import { counted } from '../function-chat/counted.ts'
import { dollars } from '../function-chat/dollars.ts'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram } from './command.ts'
import { openRun, RUN_HELP, RUN_OPTIONS } from './open-run.ts'
import { readText } from './read-text.ts'
import { table, type Column } from './table.ts'

const HELP = `Prices the model calls of a run with another table: what it cost, and what it would have.

Examples
  busline reprice @latest --prices prices.json
  busline reprice logs/run.jsonl --prices prices.json --json | jq 'select(.kind == "call") | .newCost'

Usage: busline reprice [RUN] --prices FILE [--at DATE] [--log-dir DIR] [--json]
  --prices FILE   a table as JSON: { "asOf": "2026-11-01", "currency": "USD", "per": 1000000,
                  "models": [{ "match": "gpt-4o*", "input": 2.5, "output": 10 }] }
  --at DATE       the prices that held then (default: at the time of each call)
  --json          { kind: "call", id, line, session, turn, model, usage, oldCost, newCost } for each call, then
                  { kind: "model", model, calls, oldCost, newCost, oldUnknown, newUnknown }, the same with
                  kind and key "turn", and one of kind "total"; costs are dollars, null when not known
${RUN_HELP}
Exit codes: 0 well, 2 usage, 3 damaged file, 4 a file can't be read`

type Row = { name: string } & RepricedTotal

const sum = (cost: number, unknown: number): string =>
  `$${dollars(cost)}${unknown > 0 ? ` (${unknown} not known)` : ''}`

const COLUMNS: readonly Column<Row>[] = [
  { title: 'model', least: 12, cell: ({ name }) => visibleLine(name, 60) },
  { title: 'calls', align: 'right', cell: ({ calls }) => String(calls) },
  { title: 'was', align: 'right', cell: ({ oldCost, oldUnknown }) => sum(oldCost, oldUnknown) },
  { title: 'would be', align: 'right', cell: ({ newCost, newUnknown }) => sum(newCost, newUnknown) },
]

/** `busline reprice RUN --prices FILE`. */
export const reprice = defineProgram({
  name: 'reprice',
  help: HELP,
  options: { ...RUN_OPTIONS, prices: { type: 'string' }, at: { type: 'string' } },
  async run({ values, positionals: [argument, extra] }, terminal) {
    const { prices: file, json = false } = values
    if (extra !== undefined) throw new UsageError('busline reprice takes one run.')
    if (file === undefined || file === '')
      throw new UsageError('busline reprice needs a price table. Example: --prices prices.json')
    const at = values.at === undefined ? undefined : Date.parse(values.at)
    if (Number.isNaN(at))
      throw new UsageError(`--at takes a date such as 2026-11-01, not ${JSON.stringify(values.at)}.`)

    const run = await openRun(argument, values, terminal)
    const prices = readPrices(file)
    const repriced = await repriceRun(run.records(), prices, { at }).catch((error: unknown) => {
      throw inTheFile(error, file)
    })
    const { calls, models, turns, total } = repriced
    const { output } = terminal
    if (json) {
      for (const call of calls) await output.print(jsonLine({ kind: 'call', ...call }))
      for (const row of models) await output.print(jsonLine({ kind: 'model', ...row }))
      for (const row of turns) await output.print(jsonLine({ kind: 'turn', ...row }))
      await output.print(jsonLine({ kind: 'total', ...total }))
      return EXIT.ok
    }
    const rows = models.map(({ model, ...row }): Row => ({ name: model ?? UNNAMED, ...row }))
    const lines = table([...rows, { name: 'total', ...total }], COLUMNS, terminal.width)
    await output.print(`${lines.join('\n')}\n`)
    for (const line of whyUnknown(calls, file)) terminal.say(line)
    return EXIT.ok
  },
})

/** Why calls have no new price. */
function whyUnknown(calls: RepricedRun['calls'], file: string): string[] {
  const unknown = calls.filter(({ newCost }) => newCost === null)
  const withoutUsage = unknown.filter(({ usage }) => usage === null)
  const withoutPrice = unknown.filter(({ usage, model }) => usage !== null && model !== null)
  const nameless = unknown.length - withoutUsage.length - withoutPrice.length
  return [
    ...(withoutPrice.length > 0
      ? [`Not known: ${visibleLine(file)} has no price of ${modelsOf(withoutPrice)}.`]
      : []),
    ...(withoutUsage.length > 0
      ? [`Not known: the answers of ${modelsOf(withoutUsage)} tell no usage.`]
      : []),
    ...(nameless > 0
      ? [`Not known: ${counted(nameless, 'call')}, as neither the request nor the answer names a model.`]
      : []),
  ]
}

function modelsOf(calls: RepricedRun['calls']): string {
  const counts = new Map<string | null, number>()
  for (const { model } of calls) counts.set(model, (counts.get(model) ?? 0) + 1)
  return [...counts]
    .map(([model, count]) => `${visibleLine(model ?? UNNAMED, 60)} (${counted(count, 'call')})`)
    .join(', ')
}

const UNNAMED = '(not named)'

/** A table that is wrong inside, in the words of who wrote the file. */
function inTheFile(error: unknown, file: string): unknown {
  if (!(error instanceof BuslineError) || error.code !== 'INVALID_OPTION') return error
  const { option, why } = error.data
  if (typeof option !== 'string' || typeof why !== 'string') return error
  const field = option.replace(/^prices\.?/, '')
  const said = field === '' ? why : `${field}: ${why}`
  return new UsageError(`${file} is no price table: ${said}. busline reprice --help shows one.`)
}

const Table = z.custom<PriceTable>((value) => typeof value === 'object' && value !== null)

/** The table as it stands; whoever prices with it checks it. */
function readPrices(file: string): PriceTable {
  const text = readText(file, 'The price table')
  try {
    return Table.parse(JSON.parse(text))
  } catch {
    throw new UsageError(
      `${file} is no price table: it is not a JSON object. busline reprice --help shows one.`,
    )
  }
}
