import { BuslineError, spansOf, visibleLine, type JournalRecord, type Span } from 'busline'
import { callName, traceRows } from 'busline/journal'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram, type Terminal } from './command.ts'
import { drawTrace, LEGEND } from './draw-trace.ts'
import { openRun, RUN_HELP, RUN_OPTIONS, type OpenedRun } from './open-run.ts'
import { painter } from './paint.ts'
import { spooled } from './spooled.ts'
import { soughtLines } from './sought-lines.ts'
import { latestOf, turnMeant, turnStarts } from './turn-starts.ts'

const HELP = `Draws what a turn did over time: each command as a bar, with when its answer began to arrive, and the critical path.

Examples
  busline trace                        the last turn of the last run
  busline trace @latest~1 --turn 2     the second turn of the run before
  busline trace --all --json | jq 'select(.criticalMs > 1000) | .name'

Usage: busline trace [RUN] [--turn ID|N | --root ID | --session ID | --all] [--json] [--log-dir DIR]
  --turn ID|N     one turn, by the beginning of its id or by its number (--turn=-1 is the last)
  --root ID       one chain of causes, by the id of its first message
  --session ID    all turns of a session, by the beginning of its id
  --all           everything; of a run without turns this is the default
  --json          one JSON object a command
${RUN_HELP}
${LEGEND}
Commands off the critical path could have been faster without the turn being so. self is a command's time without that of
what it sent.
Exit codes: 0 well, 2 no such turn, 3 damaged file, 4 the file can't be read, 130 Ctrl-C`

/** `busline trace [RUN]`. */
export const trace = defineProgram({
  name: 'trace',
  help: HELP,
  options: {
    ...RUN_OPTIONS,
    turn: { type: 'string' },
    root: { type: 'string' },
    session: { type: 'string' },
    all: { type: 'boolean' },
  },
  async run({ values, positionals }, terminal) {
    const [argument, extra] = positionals
    if (extra !== undefined)
      throw new UsageError('busline trace takes one run. Example: busline trace @latest')
    checkChoice(values)
    const run = await spooled(await openRun(argument, values, terminal), terminal.signal)
    const choice = await choose(run, values)
    const names = new Map<string, string>()
    const damage: unknown[] = []
    const trees = await spansOf(meant(run, { ...choice, names, signal: terminal.signal, damage }))
    // What stands before a damaged line is drawn, too.
    if (trees.length > 0)
      await (values.json ? printRows(trees, names, terminal) : printTrees(trees, names, terminal))
    for (const error of damage) throw error
    if (trees.length === 0)
      throw notInRun(
        run,
        `There is no command${choice.of} in ${visibleLine(run.name, 80)}, so nothing to draw.`,
      )
    return EXIT.ok
  },
})

interface Choice {
  turn?: string | undefined
  root?: string | undefined
  session?: string | undefined
  all?: boolean | undefined
}

type Run = OpenedRun & { readonly path: string }

interface Chosen {
  readonly isMeant: (record: Readonly<JournalRecord>) => boolean
  /** Of what, behind "no command". */
  readonly of: string
  /** Text that the lines of those that are meant hold, unless they were written with spaces: the others need not be parsed. */
  readonly containing: string
}

function checkChoice({ turn, root, session, all }: Choice): void {
  if ([turn, root, session, all].filter((given) => given !== undefined).length > 1)
    throw new UsageError('--turn, --root, --session and --all are four choices: give one of them.')
  if (turn === '0') throw new UsageError('--turn counts from 1; -1 is the last turn.')
}

/** Which records are to be drawn. */
async function choose(run: Run, { turn, root, session, all }: Choice): Promise<Chosen> {
  if (all) return EVERYTHING
  if (root !== undefined) {
    const of = ` of root ${visibleLine(root, 80)}`
    return { isMeant: (record) => record.root === root, of, containing: '' }
  }
  if (session !== undefined) {
    const of = ` of a session ${visibleLine(session, 80)}`
    return { isMeant: (record) => record.session?.startsWith(session) === true, of, containing: '' }
  }
  if (turn === undefined) {
    const only = latestOf(await turnStarts(run.path), 1)[0]
    return only ? ofTurn(only.turn) : EVERYTHING
  }
  const asked = /^-?\d{1,9}$/.test(turn) ? Number(turn) : turn
  const shown = { turn: asked, session: undefined, json: false, messages: false, last: Infinity }
  return ofTurn(await turnMeant(run, shown))
}

const EVERYTHING: Chosen = { isMeant: () => true, of: '', containing: '' }

function ofTurn(turn: string): Chosen {
  return {
    isMeant: (record) => record.turn === turn,
    of: ` of turn ${visibleLine(turn, 80)}`,
    containing: `"turn":${JSON.stringify(turn)}`,
  }
}

/** The records that are meant, until one is damaged: that is noted, as is what their commands call by name. */
async function* meant(
  { source, onTornTail }: Run,
  how: Chosen & { names: Map<string, string>; signal: AbortSignal; damage: unknown[] },
): AsyncGenerator<JournalRecord> {
  const { containing } = how
  try {
    for await (const batch of soughtLines(source, { onTornTail, containing, besides: ['"turn": '] })) {
      if (how.signal.aborted) return
      for (const line of batch) {
        if (!how.isMeant(line.envelope)) continue
        const record = line.record()
        const name = callName(record)
        if (name !== undefined && record.id !== undefined) how.names.set(record.id, name)
        yield record
      }
    }
  } catch (error) {
    how.damage.push(error)
  }
}

async function printTrees(
  trees: readonly Span[],
  names: ReadonlyMap<string, string>,
  terminal: Terminal,
): Promise<void> {
  const { output } = terminal
  for (const tree of trees) {
    if (terminal.signal.aborted || output.failure !== undefined) return
    await output.print(drawTrace(traceRows(tree), names, terminal))
  }
  await output.print(`${painter(terminal.color)('dim', LEGEND)}\n`)
}

/** One object a span: times in epoch milliseconds, durations in milliseconds; `critical` are stretches `[from, to]` since the tree's start. */
async function printRows(
  trees: readonly Span[],
  names: ReadonlyMap<string, string>,
  { output }: Terminal,
): Promise<void> {
  for (const tree of trees) {
    for (const { span, depth, selfMs, critical, criticalMs, firstPiece } of traceRows(tree)) {
      if (output.failure !== undefined) return
      const { id, parent, root, session, turn, kind, name, start, ms, status, by, error } = span
      await output.print(
        jsonLine({
          id,
          parent: parent ?? null,
          root: root ?? null,
          session: session ?? null,
          turn: turn ?? null,
          depth,
          kind,
          type: name,
          name: names.get(id) ?? null,
          start,
          ms: ms ?? null,
          selfMs: rounded(selfMs),
          status,
          by: by ?? null,
          error: error ? { code: error.code, message: error.message } : null,
          critical: critical.map(({ from, to }) => [rounded(from - tree.start), rounded(to - tree.start)]),
          criticalMs: rounded(criticalMs),
          firstPieceMs: firstPiece === undefined ? null : rounded(firstPiece - start),
        }),
      )
    }
  }
}

/** Differences of epoch times have digits at the end that nobody measured. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

function notInRun({ name }: Run, message: string): BuslineError {
  return new BuslineError('MESSAGE_NOT_IN_RUN', message, { data: { run: name } })
}
