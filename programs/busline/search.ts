import { BuslineError, visibleLine } from 'busline'
import { parseFilter, searchRun, type Filter, type Found } from 'busline/journal'
import { EXIT } from '../function-chat/exit-codes.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram, type Terminal } from './command.ts'
import { contextBreak, foundLine, foundText } from './describe-found.ts'
import { openRun, RUN_HELP, RUN_OPTIONS, type OpenedRun } from './open-run.ts'
import { noJournals, runFiles } from './run-files.ts'
import { soughtLines } from './sought-lines.ts'

const HELP = `Finds lines of journals: by text, type, status, duration, ids, cost, fields.

Examples
  busline search Paris
  busline search 'type:tool.* ms>500'
  busline search 'tool:get_weather status:error OR code:TIMED_OUT' --all
  busline search '"out of memory" -type:session.*' @latest @latest~1 -C 2
  busline search 'data.arguments.city=Paris' --json | jq .record.data

Usage: busline search QUERY [RUN…] [--all] [-i] [-n MAX] [-C CONTEXT] [--count] [--json] [--log-dir DIR]
  word "two words"    text anywhere in data, output or error; case counts unless -i is given
  type: kind: status: by: code: tool: model:      * stands for any characters
  id: session: turn: cause: root:                 the beginning of an id
  ms> ms<= cost> tokens> line: seq: attempt:      numbers; ms takes 500, 1.5s, 2m, 1h
  since:10m after:2026-11-21 before:2026-11-21T09:30
  data.PATH= output.PATH!= error.PATH~ (holds) and > >= < <=
  -this, this OR that, ( … ); terms beside each other must all match
  --all          all runs of --log-dir, oldest first
  -i             capital letters and small ones are the same in text
  -n MAX         stop after MAX matches
  -C CONTEXT     also show CONTEXT lines before and after
  --count        only how many lines match, a line each run
  --json         one JSON object a line
${RUN_HELP}
A QUERY that begins with - comes after --.
Exit codes: 0 found, 1 nothing found, 2 usage, 3 damaged file, 4 input or output, 130 Ctrl-C`

/** `busline search QUERY [RUN…]`. */
export const search = defineProgram({
  name: 'search',
  help: HELP,
  options: {
    ...RUN_OPTIONS,
    all: { type: 'boolean' },
    'ignore-case': { type: 'boolean', short: 'i' },
    max: { type: 'string', short: 'n' },
    context: { type: 'string', short: 'C' },
    count: { type: 'boolean' },
  },
  async run({ values, positionals }, terminal) {
    const [query, ...named] = positionals
    if (query === undefined)
      throw new UsageError("busline search takes a query. Example: busline search 'type:tool.* status:error'")
    if (values.all && named.length > 0)
      throw new UsageError('--all means all runs: leave out the names of runs.')
    const max = wholeNumber('-n', values.max, 1) ?? Infinity
    const context = wholeNumber('-C', values.context, 0) ?? 0
    const now = Date.now()
    const filter = (): Filter => parseFilter(query, { ignoreCase: values['ignore-case'] ?? false, now })
    // Before any run is opened: what is wrong with the query is told first.
    filter()

    const names = values.all
      ? oldestFirst(values['log-dir'] ?? 'logs')
      : named.length > 0
        ? named
        : [undefined]
    let found = 0
    for (const name of names) {
      if (found >= max || terminal.signal.aborted || terminal.output.failure !== undefined) break
      // Of a whole folder, a run that has just begun is passed over.
      const run = await openRun(name, values, terminal, { mayBeEmpty: values.all })
      found += await searchOne(run, filter(), terminal, {
        max: max - found,
        context,
        json: values.json ?? false,
        count: values.count ?? false,
        several: names.length > 1,
      })
    }
    return found > 0 ? EXIT.ok : EXIT.failed
  },
})

interface How {
  max: number
  context: number
  json: boolean
  count: boolean
  /** Whether the run must be named with what was found. */
  several: boolean
}

/** Prints what one run holds, and resolves to how many lines match. */
async function searchOne(run: OpenedRun, filter: Filter, terminal: Terminal, how: How): Promise<number> {
  const { output, signal } = terminal
  const { max, context, json, count, several } = how
  const containing = context > 0 ? [] : filter.containing
  const { besides } = filter
  const { source, onTornTail } = run
  const lines = soughtLines(source, { onTornTail, containing, besides, blobs: 'resolve' })
  let matches = 0
  let last: number | undefined
  let waiting = ''
  try {
    for await (const found of searchRun(lines, filter, { context: count ? 0 : context, max })) {
      if (signal.aborted || output.failure !== undefined) return matches
      if (found.matches) matches++
      if (!count) {
        if (matches === 1 && several && !json && last === undefined) waiting += `${visibleLine(run.name)}\n`
        if (context > 0 && !json && last !== undefined && found.line.line > last + 1)
          waiting += contextBreak(terminal)
        waiting += described(found, filter, { run, json, terminal })
        last = found.line.line
      }
      if (waiting.length > PRINTED_AT_ONCE) {
        await output.print(waiting)
        waiting = ''
      }
    }
    if (count) waiting = countLine(run, matches, how)
  } finally {
    // What stands before a damaged line is shown, too.
    if (waiting !== '') await output.print(waiting)
  }
  return matches
}

const PRINTED_AT_ONCE = 1 << 16

function described(
  found: Found,
  filter: Filter,
  { run, json, terminal }: { run: OpenedRun; json: boolean; terminal: Terminal },
): string {
  return json ? foundLine(run.name, found, filter) : foundText(found, filter, terminal)
}

function countLine({ name }: OpenedRun, matches: number, { json, several }: How): string {
  if (json) return `${JSON.stringify({ run: name, matches })}\n`
  return several ? `${matches}  ${visibleLine(name)}\n` : `${matches}\n`
}

function oldestFirst(dir: string): string[] {
  const files = runFiles(dir).map(({ path }) => path)
  if (files.length === 0)
    throw new BuslineError('RUN_NOT_FOUND', `There is nothing to search: ${noJournals(dir)}`, {
      data: { dir },
    })
  return files.toReversed()
}

function wholeNumber(option: string, value: string | undefined, least: number): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value)
  if (/^\d{1,9}$/.test(value) && number >= least) return number
  throw new UsageError(
    `${option} takes a whole number from ${least}, not ${visibleLine(JSON.stringify(value), 40)}.`,
  )
}
