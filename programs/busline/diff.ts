import { BuslineError } from 'busline'
import { DIFF_PARTS, diffRuns, readJournal, type DiffPart } from 'busline/journal'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram } from './command.ts'
import { describeDiff } from './describe-diff.ts'
import { openRun, RUN_HELP, RUN_OPTIONS } from './open-run.ts'
import { spooled } from './spooled.ts'

const HELP = `Compares two runs by cause: where they part first, then what differs by turn, and what each took.

Examples
  busline diff @latest~1 @latest            the last two runs
  busline diff before.jsonl after.jsonl --turn 2
  busline diff A B --only inputs --only tools   what the tools were given
  busline diff A B --ignore data.hash --ignore model.call:output.usage
  busline diff A B --json | jq 'select(.record == "difference")'

Usage: busline diff A B [options]
${RUN_HELP}
One of them may be -.
  --turn N         one turn, by its number in A; turns that B alone has are numbered on
  --only PART      ${DIFF_PARTS.join(', ')}; more than once is possible
  --ignore PATH    a value that may differ, as in data.hash, output.messages[*].id or model.call:output.usage;
                   more than once is possible
  --json           one object a line, by "record": "first" (null values when there is none), "difference" for each
                   message that differs, "turn", "model", "tool", "total"
  --log-dir DIR    default logs
Times, durations, pids, the ids that a run or a server gave, and how a stream was cut are no differences; another order
of what ran side by side is told, and is none either.
Exit codes: 0 the same, 1 different, 2 usage or no such run, 3 damaged file, 4 a file can't be read`

/** `busline diff A B`. */
export const diff = defineProgram({
  name: 'diff',
  help: HELP,
  options: {
    ...RUN_OPTIONS,
    turn: { type: 'string' },
    only: { type: 'string', multiple: true },
    ignore: { type: 'string', multiple: true },
  },
  async run({ values, positionals: [argumentA, argumentB, extra] }, terminal) {
    if (argumentA === undefined || argumentB === undefined || extra !== undefined)
      throw new UsageError('busline diff takes two runs. Example: busline diff @latest~1 @latest')
    if (argumentA === '-' && argumentB === '-') throw new UsageError('Only one of the two runs can be -.')
    const options = {
      turn: numberOf(values.turn),
      only: values.only?.map(partOf),
      ignore: values.ignore,
      signal: terminal.signal,
    }
    const a = await spooled(await openRun(argumentA, values, terminal), terminal.signal)
    const b = await spooled(await openRun(argumentB, values, terminal), terminal.signal)
    const found = await diffRuns(
      () => readJournal(a.path, { onTornTail: a.onTornTail }),
      () => readJournal(b.path, { onTornTail: b.onTornTail }),
      options,
    ).catch(askedFor)
    if (values.json) for (const line of linesOf(found)) await terminal.output.print(jsonLine(line))
    else await terminal.output.print(describeDiff(found, [a.name, b.name], terminal.color))
    return found.same ? EXIT.ok : EXIT.failed
  },
})

type Diff = Awaited<ReturnType<typeof diffRuns>>

function linesOf({ first, pairs, turns, models, tools, total }: Diff): object[] {
  const { valueA = null, valueB = null, ...place } = first ?? NOTHING
  const differing = pairs.filter(({ state, reordered }) => state !== 'same' || reordered)
  return [
    { record: 'first', ...place, valueA, valueB },
    ...differing.map(({ changes, ...pair }) => ({
      record: 'difference',
      ...pair,
      changes: changes.map(({ path, a = null, b = null }) => ({ path, a, b })),
    })),
    ...turns.map((turn) => ({ record: 'turn', ...turn })),
    ...models.map((row) => ({ record: 'model', ...row })),
    ...tools.map((row) => ({ record: 'tool', ...row })),
    { record: 'total', ...total },
  ]
}

const NOTHING = {
  a: null,
  b: null,
  kind: null,
  type: null,
  name: null,
  turn: null,
  state: null,
  path: null,
  valueA: null,
  valueB: null,
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UsageError('--turn takes the number of a turn, from 1.')
}

function partOf(text: string): DiffPart {
  const part = DIFF_PARTS.find((one) => one === text)
  if (part) return part
  throw new UsageError(`--only takes one of ${DIFF_PARTS.join(', ')}.`)
}

/** A pattern that is none was given on the command line. */
function askedFor(error: unknown): never {
  if (error instanceof BuslineError && error.code === 'INVALID_OPTION')
    throw new UsageError(`--${error.message}`)
  throw error
}
