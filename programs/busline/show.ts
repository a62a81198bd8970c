import { BuslineError, readJournal, visibleLine, type JournalRecord } from 'busline'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import type { Output } from '../function-chat/output.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram } from './command.ts'
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

/** `busline show FILE [--json]`. A reader that has enough (`| head -1`) is no failure. */
export const show = defineProgram({
  name: 'show',
  help: HELP,
  options: {},
  async run({ values: { json = false }, positionals }, { output }) {
    const [file = '', extra] = positionals
    if (file === '' || extra !== undefined)
      throw new UsageError('busline show takes one journal file. Example: busline show logs/run.jsonl')
    await print(file, json, output)
    return EXIT.ok
  },
})

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
