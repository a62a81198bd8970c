import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { BuslineError, visibleLine, type JournalRecord } from 'busline'
import { readJournal, type JournalSource } from 'busline/journal'
import { counted } from '../function-chat/counted.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { checkedInput, checkRecords, hasLines } from './check-records.ts'
import type { Terminal } from './command.ts'
import { nearest } from './nearest.ts'
import { isFolder, noJournals, runFiles, runIdOf, type RunFile } from './run-files.ts'

/** The options of every command that reads a run. */
export const RUN_OPTIONS = { 'log-dir': { type: 'string' } } as const

/** How a run is named, for the help of a command. */
export const RUN_HELP = `RUN is a path, - for stdin, @latest (the default), @latest~1 for the one before, or
the beginning of a run's id or of a file name in --log-dir (default logs).`

/** A run that was found, in which there is a line at least. */
export interface OpenedRun {
  /** The name of its file without `.jsonl`; `stdin` for `-`. */
  readonly name: string
  /** Undefined for stdin, which can be read once. */
  readonly path: string | undefined
  readonly source: JournalSource
  /** Says on stderr, once, that the journal ends in bytes that are no record. For those who read `source` themselves. */
  readonly onTornTail: (tail: { line: number; bytes: number }) => void
  /** All records, in order. @throws BuslineError `JOURNAL_DAMAGED`, `FILE_FAILED` */
  records(): AsyncGenerator<JournalRecord>
}

/**
 * Finds the run that an argument names: a path, `-`, `@latest`, `@latest~N`, or the beginning of a run's id or of a file
 * name in the log directory. Without an argument it is `@latest`. A run without a single record is refused, unless it `mayBeEmpty`.
 *
 * @throws BuslineError `RUN_NOT_FOUND` when no run is meant, or more than one; `JOURNAL_DAMAGED` for one without a record;
 * `FILE_FAILED` for one that can't be read
 */
export async function openRun(
  argument: string | undefined,
  values: { readonly 'log-dir'?: string | undefined },
  terminal: Pick<Terminal, 'say'>,
  { mayBeEmpty = false }: { mayBeEmpty?: boolean | undefined } = {},
): Promise<OpenedRun> {
  if (argument === '') throw new UsageError('The name of a run must not be empty; @latest is the last one.')
  const wanted = argument ?? '@latest'
  if (wanted === '-') {
    const { stdin } = process
    return opened('stdin', undefined, mayBeEmpty ? stdin : await checkedInput('stdin', stdin), terminal)
  }
  const path = pathOf(wanted, values['log-dir'] ?? 'logs')
  await (mayBeEmpty ? hasLines(path) : checkRecords(path))
  return opened(basename(path, '.jsonl'), path, path, terminal)
}

function opened(
  name: string,
  path: string | undefined,
  source: JournalSource,
  terminal: Pick<Terminal, 'say'>,
): OpenedRun {
  const place = path ?? name
  let said = false
  const onTornTail: OpenedRun['onTornTail'] = ({ line, bytes }) => {
    if (said) return
    said = true
    terminal.say(
      `Line ${line} of ${place} is torn (${counted(bytes, 'byte')} without an end); it is no record.`,
    )
  }
  return { name, path, source, onTornTail, records: () => readJournal(source, { onTornTail }) }
}

/** The file of a run in words for `openRun`; not opened, and perhaps not there when a path was given. */
function pathOf(wanted: string, dir: string): string {
  const latest = /^@latest(?:~(\d+))?$/.exec(wanted)
  if (latest) return newest(Number(latest[1] ?? 0), dir, wanted)
  if (existsSync(wanted)) return wanted
  const inDir = join(dir, wanted)
  if (wanted.endsWith('.jsonl') && existsSync(inDir)) return inDir
  // What can only be a path is one, and reading it says what is wrong with it.
  if (/[/\\]|\.jsonl$/.test(wanted)) return wanted
  return named(wanted, dir)
}

function newest(back: number, dir: string, wanted: string): string {
  const runs = runFiles(dir)
  const run = runs[back]
  if (run) return run.path
  const why = runs.length === 0 ? noJournals(dir) : `${visibleLine(dir)} holds only ${runs.length} of them.`
  throw notFound(wanted, dir, `There is no run ${wanted}: ${why}`)
}

function named(wanted: string, dir: string): string {
  const runs = runFiles(dir).map((run) => ({ ...run, id: runIdOf(run) }))
  const exact = runs.filter(({ name, id }) => name === wanted || id === wanted)
  const found = exact.length > 0 ? exact : runs.filter((run) => begins(run, wanted))
  const [only, ...others] = found
  if (only && others.length === 0) return only.path

  const shown = visibleLine(wanted, 80)
  if (only) {
    const names = listed(found.map(({ name }) => name))
    throw notFound(
      wanted,
      dir,
      `${shown} is the beginning of ${found.length} runs: ${names}. Say more of it.`,
    )
  }
  if (!isFolder(dir)) throw notFound(wanted, dir, `There is no file ${shown}, and ${noJournals(dir)}`)
  const near = nearest(
    wanted,
    runs.flatMap(({ name, id = name }) => [name, id]),
  )
  const hint = near.length > 0 ? `Near: ${listed(near)}.` : 'busline runs lists them.'
  throw notFound(
    wanted,
    dir,
    `There is no file ${shown}, and no run in ${visibleLine(dir)} whose id or file name begins so. ${hint}`,
  )
}

function begins({ name, id = name }: RunFile & { id: string | undefined }, wanted: string): boolean {
  return name.startsWith(wanted) || id.startsWith(wanted)
}

function listed(names: readonly string[]): string {
  const more = names.length > 8 ? `, and ${names.length - 8} more` : ''
  return `${names
    .slice(0, 8)
    .map((name) => visibleLine(name, 60))
    .join(', ')}${more}`
}

function notFound(wanted: string, dir: string, message: string): BuslineError {
  return new BuslineError('RUN_NOT_FOUND', message, { data: { wanted, dir } })
}
