import { writeFile } from 'node:fs/promises'
import { BuslineError, visibleLine, type JournalRecord } from 'busline'
import { replay as replayRun, type Divergence, type GuardFinding, type ReplayReport } from 'busline/journal'
import { EXIT } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { defineProgram } from './command.ts'
import { loadApp } from './load-app.ts'
import { openRun, RUN_HELP, RUN_OPTIONS } from './open-run.ts'
import { spooled } from './spooled.ts'

const HELP = `Runs a run again with today's code, without network and key: models, tools and sessions are answered from the
journal, everything else runs as it did, and the first line that differs is told.

Examples
  busline replay                          the last run of function-chat
  busline replay RUN --app ./app.ts#app   a run of another app
  busline replay RUN --live tool.call     tools run too; what they return is compared
  busline replay RUN --keep-going --json  all differences, for programs

Usage: busline replay [RUN] [--app FILE#EXPORT] [--keep-going] [--live TYPE]… [--out FILE]
                      [--no-guard | --strict-guard] [--json]
  --app FILE#EXPORT  what createApp takes, or a participant without provider and store (default: function-chat's app,
                     with the options that the run tells it was started with)
  --keep-going       go on after a difference as far as possible
  --live TYPE        let this effect's handlers run, a type or a pattern such as tool.*; repeatable
  --out FILE         write the journal that the replay wrote
  --no-guard         do not watch handlers for the clock, randomness, timers and the network
  --strict-guard     end with 1 where a handler uses one of these, though the run comes out the same
  --log-dir DIR      where runs are (default logs)
  --json             one object: identical, lines, replayed, divergences (with recordedError and replayedError), findings
${RUN_HELP}
Exit codes: 0 it does the same, 1 it does, and --strict-guard found something, 2 usage, 3 damaged file,
4 the file can't be read, 5 it does something else`

export const replay = defineProgram({
  name: 'replay',
  help: HELP,
  options: {
    ...RUN_OPTIONS,
    app: { type: 'string' },
    'keep-going': { type: 'boolean' },
    live: { type: 'string', multiple: true },
    out: { type: 'string' },
    'no-guard': { type: 'boolean' },
    'strict-guard': { type: 'boolean' },
  },
  async run({ values, positionals }, terminal) {
    const { output, signal } = terminal
    const [argument, extra] = positionals
    if (extra !== undefined)
      throw new UsageError('busline replay takes one run. busline replay --help tells more.')
    if (values['no-guard'] === true && values['strict-guard'] === true)
      throw new UsageError('--strict-guard needs the guard: leave --no-guard out.')
    const opened = await openRun(argument, values, terminal)
    const run = await spooled(opened, signal)
    const app = await loadApp(values.app, run.path)
    const report = await replayRun(run.records(), app, {
      mode: values['keep-going'] === true ? 'keep-going' : 'strict',
      live: values.live,
      guard: values['no-guard'] !== true,
      pause: progress(terminal.say),
      signal,
    })
    if (values.out !== undefined) await write(values.out, report)
    await output.print(
      values.json === true ? jsonLine(forPrograms(report)) : forPeople(report, opened.path ?? opened.name),
    )
    const types = new Set(report.records.map(({ type }) => type))
    for (const type of values.live ?? [])
      if (!type.includes('*') && !types.has(type))
        terminal.say(`--live ${type}: the run has no such command.`)
    if (report.identical)
      return values['strict-guard'] === true && report.findings.length > 0 ? EXIT.failed : EXIT.ok
    if (values.app === undefined)
      terminal.say("It was run again with function-chat's app; --app FILE#EXPORT names another.")
    return EXIT.replayMiss
  },
})

const PROGRESS_MS = 2000

/** Tells every two seconds how far it has come. */
function progress(say: (text: string) => void): (line: number) => Promise<void> {
  let due = performance.now() + PROGRESS_MS
  return async (line) => {
    if (performance.now() < due) return
    due = performance.now() + PROGRESS_MS
    say(`The replay has come to line ${line}.`)
  }
}

async function write(file: string, { records }: ReplayReport): Promise<void> {
  try {
    const lines = records.map((record) => `${JSON.stringify(record)}\n`)
    await writeFile(file, lines.join(''), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new BuslineError('FILE_FAILED', `The replay's journal can't be written to ${file}: ${why}.`, {
      cause: error,
    })
  }
}

function forPrograms({ identical, lines, replayed, divergences, findings }: ReplayReport): unknown {
  const differences = divergences.map(
    ({ kind, line, type, path, recorded = null, replayed: now = null, recordedRecord, replayedRecord }) => ({
      kind,
      line,
      type,
      path,
      recorded,
      replayed: now,
      recordedError: recordedRecord?.error ?? null,
      replayedError: replayedRecord?.error ?? null,
    }),
  )
  const found = findings.map(({ at = null, ...finding }) => ({ ...finding, at }))
  return { identical, lines, replayed, divergences: differences, findings: found }
}

function forPeople(
  { identical, lines, replayed, divergences, findings }: ReplayReport,
  file: string,
): string {
  const head = identical
    ? `The replay is identical: ${lines} lines of ${visibleLine(file)}.\n`
    : `The replay differs: ${replayed} of ${lines} lines of ${visibleLine(file)} were reached.\n`
  return [head, ...divergences.map((divergence) => told(divergence)), ...findings.map(found)].join('')
}

const WORDS = {
  changed: 'is different',
  extra: 'is new: the journal has nothing like it',
  missing: 'did not come',
} as const

const HASH_COVERS =
  '  the hash is that of the whole request: the text of its messages, and its tools with descriptions and parameters\n'

function told(divergence: Divergence): string {
  const { kind, line, type, path, recorded, replayed, recordedRecord, replayedRecord } = divergence
  const at = path === '' ? '' : ` at ${visibleLine(path)}`
  const head = `line ${line}  ${visibleLine(type)} ${WORDS[kind]}${at}\n`
  const errors = path === 'status' ? [withError(recordedRecord), withError(replayedRecord)] : []
  const was = kind === 'extra' ? '' : `  recorded  ${shown(recorded)}${errors[0] ?? ''}\n`
  const is =
    kind === 'missing' && replayed === undefined ? '' : `  replayed  ${shown(replayed)}${errors[1] ?? ''}\n`
  return `${head}${was}${is}${path === 'data.hash' ? HASH_COVERS : ''}`
}

/** The error behind a status. */
function withError(record: JournalRecord | undefined): string {
  const { code, name, message } = record?.error ?? {}
  return code === undefined ? '' : visibleLine(`  ${code} ${name ?? ''}: ${message ?? ''}`, 2000)
}

function found({ what, type, at = 'an unknown place' }: GuardFinding): string {
  return visibleLine(`${type} uses ${what} at ${at}: a replay can't tell it what it told then`) + '\n'
}

function shown(value: unknown): string {
  if (value === undefined) return '(nothing)'
  return visibleLine(JSON.stringify(value), 2000)
}
