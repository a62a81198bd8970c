import { parseArgs } from 'node:util'
import { BuslineError, readJournal, visibleLine, type JournalRecord } from 'busline'
import { EXIT, exitCodeFor } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import type { Output } from '../function-chat/output.ts'
import { parseProblem, UsageError } from '../function-chat/usage-error.ts'
import { DamagedRecord } from './damaged-record.ts'
import { describeRun, describeTurn } from './describe-turn.ts'
import { TurnRecords, type ShownTurn } from './turn-records.ts'

const HELP = `Shows the turns of a journal: model calls, tool calls, causes and durations.

Examples
  busline show logs/20261121T090000-4711.jsonl
  busline show logs/20261121T090000-4711.jsonl --json | jq .reply

Usage: busline show FILE [--json]
  --json   one JSON object a turn
Exit codes: 0 well, 2 usage, 3 damaged file, 4 the file can't be read`

/** `busline show FILE [--json]`: options in, exit code out. A reader that has enough (`| head -1`) is no failure. */
export async function show(argv: readonly string[], output: Output): Promise<number> {
  try {
    const { file, json, help } = parse(argv)
    if (help) await output.print(`${HELP}\n`)
    else await print(file, json, output)
    return EXIT.ok
  } catch (error) {
    if (!(error instanceof BuslineError) && !(error instanceof UsageError)) throw error
    complain(error.message)
    return exitCodeFor(error)
  }
}

function parse(argv: readonly string[]): { file: string; json: boolean; help: boolean } {
  const { values, positionals } = parseOptions(argv)
  const { json = false, help = false } = values
  const [file = '', extra] = positionals
  if (!help && (file === '' || extra !== undefined))
    throw new UsageError('busline show takes one journal file. Example: busline show logs/run.jsonl')
  return { file, json, help }
}

function parseOptions(argv: readonly string[]) {
  const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(`${parseProblem(error)} busline show --help lists the options.`)
  }
}

async function print(file: string, json: boolean, output: Output): Promise<void> {
  const turns = new TurnRecords()
  const emit = (turn: ShownTurn): Promise<void> => output.print(json ? jsonLine(turn) : describeTurn(turn))
  const onTornTail = ({ line, bytes }: { line: number; bytes: number }): void =>
    complain(`Line ${line} of ${file} is torn (${bytes} bytes without an end); it is no record.`)

  for await (const record of readJournal(file, { onTornTail })) {
    if (output.failure !== undefined) return
    if (!json && isStart(record)) await output.print(describeRun(record))
    const ended = take(turns, record, file)
    if (ended) await emit(ended)
  }
  for (const turn of turns.unfinished()) await emit(turn)
}

function isStart({ kind, type }: JournalRecord): boolean {
  return kind === 'header' || type === 'bus.opened'
}

function take(turns: TurnRecords, record: JournalRecord, file: string): ShownTurn | undefined {
  try {
    return turns.take(record)
  } catch (error) {
    if (!(error instanceof DamagedRecord)) throw error
    const { kind, type, seq } = error.record
    const why = `it is no ${kind} of ${type}`
    throw new BuslineError('JOURNAL_DAMAGED', `Line ${seq + 1} of ${file} is damaged: ${why}.`, {
      cause: error,
    })
  }
}

function complain(text: string): void {
  process.stderr.write(`${visibleLine(text)}\n`)
}
