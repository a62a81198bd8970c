import { BuslineError } from 'busline'
import { journalHolder, lastLines, runStats, scanJournal } from 'busline/journal'
import { fieldOf, stringIn } from './excerpt.ts'
import { endsOpen, OpenCommands } from './open-commands.ts'
import { firstRecord, type RunFile } from './run-files.ts'
import { tornBytes } from './torn-tail.ts'

/** What is told of a run in a list: shape of `busline runs --json`, every key always there, in this order. */
export interface RunRow {
  /** The id in its header. */
  run: string | null
  /** Its file without `.jsonl`. */
  name: string
  file: string
  /** Epoch milliseconds of its first line. */
  startedAt: number | null
  /** From its first line to its last. */
  ms: number | null
  /**
   * `interrupted`: nobody holds it, and commands of the last process have no result; `torn`: it ends in bytes that are no
   * line, as after a kill; `damaged`: a line of it is no record.
   */
  state: 'running' | 'ended' | 'interrupted' | 'torn' | 'damaged'
  /** The process that writes it. */
  pid: number | null
  /** Those that are there, from the first to the last. */
  lines: number | null
  bytes: number
  /** From here on null where the whole run would have to be read. */
  turns: number | null
  sessions: number | null
  models: string[] | null
  inputTokens: number | null
  outputTokens: number | null
  /** US dollars; null also where the price of an answer is not known. */
  cost: number | null
  /** Commands that ended with an error or a timeout. */
  errors: number | null
}

/** Reads what a list tells of a run: its first and last line, and `whole` of it for what needs more. */
export async function runRow(run: RunFile, whole: boolean): Promise<RunRow> {
  const { firstSeq, ...begun } = beginning(run)
  const row = { ...emptyRow(run), ...begun }
  row.pid = journalHolder(run.path) ?? null
  try {
    Object.assign(row, await end(run, { ...begun, firstSeq }))
    const { isOpen, ...known } = whole ? await totals(run) : { isOpen: await endsOpen(run.path) }
    Object.assign(row, known)
    if (isOpen && row.state === 'ended') row.state = 'interrupted'
  } catch (error) {
    if (!(error instanceof BuslineError) || error.code !== 'JOURNAL_DAMAGED') throw error
    row.state = 'damaged'
  }
  // A line that is just being written is no torn one.
  if (row.pid !== null && row.state !== 'damaged') row.state = 'running'
  return row
}

function emptyRow({ name, path, bytes }: RunFile): RunRow {
  return {
    run: null,
    name,
    file: path,
    startedAt: null,
    ms: null,
    state: 'ended',
    pid: null,
    lines: null,
    bytes,
    turns: null,
    sessions: null,
    models: null,
    inputTokens: null,
    outputTokens: null,
    cost: null,
    errors: null,
  }
}

type Beginning = Pick<RunRow, 'run' | 'startedAt'> & { readonly firstSeq: number }

function beginning({ segments: [first = ''] }: RunFile): Beginning {
  const header = firstRecord(first)
  const time = fieldOf(header, 'time')
  const seq = fieldOf(header, 'seq')
  return {
    run: stringIn(fieldOf(header, 'data'), 'run') ?? null,
    startedAt: typeof time === 'number' ? time : null,
    // Later where its first segments were deleted.
    firstSeq: typeof seq === 'number' ? seq : 0,
  }
}

async function end(run: RunFile, { startedAt, firstSeq }: Beginning): Promise<Partial<RunRow>> {
  const [last] = await lastLines(run.path, () => true)
  const state = tornBytes(run.segments.at(-1) ?? run.path) > 0 ? 'torn' : 'ended'
  if (!last) return { state, lines: 0 }
  const { seq, time } = last.envelope
  return { state, lines: seq + 1 - firstSeq, ms: startedAt === null ? null : time - startedAt }
}

async function totals({ path }: RunFile): Promise<Partial<RunRow> & { isOpen: boolean }> {
  const open = new OpenCommands()
  const { turns, sessions, models, all } = await runStats(open.watch(scanJournal(path)))
  return {
    isOpen: open.any,
    turns: turns.count,
    sessions: sessions.length,
    models: models.flatMap(({ key }) => key ?? []),
    inputTokens: all.tokens.input,
    outputTokens: all.tokens.output,
    cost: all.costUnknown > 0 ? null : all.cost,
    errors: all.error + all.timeout,
  }
}
