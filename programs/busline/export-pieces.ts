import {
  exportCsv,
  exportMarkdown,
  exportOpenai,
  exportPerfetto,
  readJournal,
  type ExportFilter,
} from 'busline/journal'
import { UsageError } from '../function-chat/usage-error.ts'
import type { Terminal } from './command.ts'
import type { OpenedRun } from './open-run.ts'
import { readTools } from './read-tools.ts'

interface Values {
  readonly table?: string | undefined
  readonly tools?: string | undefined
  readonly per?: string | undefined
  readonly weights?: string | undefined
  readonly failed?: boolean | undefined
}

/** A run in one of the formats that are text, in pieces. @throws UsageError */
export function piecesOf(
  format: string,
  run: OpenedRun,
  part: ExportFilter,
  values: Values,
  terminal: Pick<Terminal, 'say'>,
): AsyncGenerator<string> {
  if (format === 'csv') return exportCsv(run.records(), { ...part, table: choice(values, 'table', TABLES) })
  // It shows none of what big values hold.
  if (format === 'perfetto')
    return exportPerfetto(readJournal(run.source, { blobs: 'keep', onTornTail: run.onTornTail }), part)
  if (format === 'openai') return training(run, part, values, terminal)
  return exportMarkdown(run.records(), part)
}

const TABLES = ['records', 'calls', 'turns'] as const

async function* training(
  run: OpenedRun,
  part: ExportFilter,
  values: Values,
  { say }: Pick<Terminal, 'say'>,
): AsyncGenerator<string> {
  const { tools, failed } = values
  const unknown: string[] = []
  yield* exportOpenai(run.records(), {
    ...part,
    failed,
    per: choice(values, 'per', ['session', 'turn'] as const),
    weights: choice(values, 'weights', ['all', 'last'] as const),
    tools: tools === undefined ? [] : readTools(tools),
    onLeftOut: ({ session, turn, why }) =>
      say(
        turn === null
          ? `Left out of session ${session}: ${why}.`
          : `Left out turn ${turn} of session ${session}: ${why}.`,
      ),
    onToolUnknown: (name) => void unknown.push(name),
  })
  if (unknown.length === 0) return
  const where = tools === undefined ? 'give what they take with --tools FILE' : `--tools ${tools} lacks them`
  say(
    `The journal holds names of tools only (${unknown.join(', ')}): ${where}. No line tells what they take.`,
  )
}

function choice<const C extends string>(
  values: Values,
  option: keyof Values,
  choices: readonly C[],
): C | undefined {
  const given = values[option]
  if (given === undefined) return undefined
  const found = choices.find((one) => one === given)
  if (found === undefined) throw new UsageError(`--${option} is ${choices.join(', ')}.`)
  return found
}
