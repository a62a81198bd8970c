import { existsSync, mkdirSync, statSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BuslineError, visibleLine, type JournalRecord } from 'busline'
import { journalHolder } from 'busline/journal'
import { expectRun, RunDiverged } from 'busline/testing'
import type { ChatSettings } from '../function-chat/chat-app.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import { chatSettingsOf } from './chat-app-of.ts'
import type { Terminal } from './command.ts'
import { keptAppPath, keptAppText } from './kept-app.ts'
import { loadApp, loadModule, namedApp } from './load-app.ts'
import { openRun, type OpenedRun } from './open-run.ts'
import { segmentsOf } from './run-files.ts'
import { spooled } from './spooled.ts'
import { turnStarts } from './turn-starts.ts'

interface Values {
  readonly 'log-dir'?: string | undefined
  readonly app?: string | undefined
  readonly turn?: string | undefined
  readonly name?: string | undefined
  readonly dir?: string | undefined
  readonly force?: boolean | undefined
}

/** Keeps a run, or its beginning, as a recorded test, and prints what was written. */
export async function addTest(
  argument: string | undefined,
  values: Values,
  terminal: Terminal,
): Promise<void> {
  const { dir = 'test/runs', force = false } = values
  const run = await spooled(await openRun(argument, values, terminal), terminal.signal)
  const last = values.turn === undefined ? undefined : await endOf(run, values.turn)
  const name = nameOf(
    values.name ?? (values.turn === undefined ? run.name : `${run.name}-turn${values.turn}`),
  )
  const app = await loadApp(values.app, run.path)
  const journal = join(dir, `${name}.jsonl`)
  const test = join(dir, `${name}.test.ts`)
  const module = await moduleOf(values.app, run.path)
  const remembered = keptAppPath(journal)
  const files = [journal, ...(values.app === undefined ? [] : [remembered]), ...(module ? [test] : [])]
  const there = force ? undefined : files.find((file) => existsSync(file))
  if (there !== undefined)
    throw new UsageError(`${there} is there already. Give another --name, or --force to write over it.`)
  checkOver(journal, run.path)

  mkdirSync(dir, { recursive: true })
  await write(journal, linesUpTo(run.records(), last), force)
  if (values.app !== undefined) await write(remembered, keptAppText(journal, values.app), force)
  else if (force) await rm(remembered, { force })
  if (module) await write(test, testText(name, dir, module), force)
  for (const file of files) await terminal.output.print(`${visibleLine(file)}\n`)
  if (!module)
    terminal.say(
      `No test for vitest was written: name the app with --app FILE#EXPORT. busline test run ${dir} replays it.`,
    )
  await tellWhetherItPasses()

  async function tellWhetherItPasses(): Promise<void> {
    try {
      await expectRun(journal, app, { update: false, signal: terminal.signal })
    } catch (error) {
      if (!(error instanceof RunDiverged)) throw error
      const ran = values.app === undefined ? 'the app of busline chat (name another: --app)' : 'this app'
      for (const line of [`It does not pass with ${ran}:`, ...error.message.split('\n')]) terminal.say(line)
    }
  }
}

/** Refuses to write over a run that is needed: the one that is read, or one that is being written. */
function checkOver(journal: string, run: string): void {
  const there = statSync(journal, { throwIfNoEntry: false })
  if (!there) return
  const hint = 'Give another --name or --dir.'
  const isRead = segmentsOf(run).some((segment) => {
    const stat = statSync(segment, { throwIfNoEntry: false })
    return stat?.dev === there.dev && stat.ino === there.ino
  })
  if (isRead) throw new UsageError(`${visibleLine(journal)} is the run that is to be kept. ${hint}`)
  const pid = journalHolder(journal)
  if (pid !== undefined)
    throw new BuslineError(
      'JOURNAL_IN_USE',
      `${visibleLine(journal)} is being written by process ${pid}. ${hint}`,
      { data: { path: journal, pid } },
    )
}

/** The `seq` of the line that ends a turn. */
async function endOf(run: OpenedRun & { path: string }, turn: string): Promise<number> {
  if (!/^[1-9]\d{0,8}$/.test(turn)) throw new UsageError('--turn takes the number of a turn, from 1.')
  const starts = await turnStarts(run.path)
  const start = starts[Number(turn) - 1]
  if (!start) throw notInRun(`There is no turn ${turn}: ${visibleLine(run.name, 80)} has ${starts.length}.`)
  let command: string | undefined
  for await (const { seq, id, kind, of } of run.records()) {
    if (seq === start.lastSeq) command = id
    if (kind === 'result' && command !== undefined && of === command) return seq
  }
  throw notInRun(`Turn ${turn} has not ended in ${visibleLine(run.name, 80)}.`)
}

function notInRun(message: string): BuslineError {
  return new BuslineError('MESSAGE_NOT_IN_RUN', message)
}

function nameOf(text: string): string {
  if (/^[\w][\w.-]{0,127}$/.test(text)) return text
  throw new UsageError(
    '--name takes letters, digits, dots, dashes and underscores, and begins with a letter or digit.',
  )
}

/** How a test has the app. */
interface AppModule {
  readonly file: string
  /** What stands between `import` and `from`. */
  readonly imports: string
  /** The app, as an expression. */
  readonly app: string
}

/** Where a test imports the app from; undefined where the app stands in no file that could be imported. */
async function moduleOf(spec: string | undefined, journal: string): Promise<AppModule | undefined> {
  if (spec === undefined) return chatModule(await chatSettingsOf(journal))
  const { file, name } = namedApp(spec)
  if (name !== undefined)
    return { file, imports: `{ ${name === 'app' ? name : `${name} as app`} }`, app: 'app' }
  const isNamed = Reflect.get(await loadModule(file), 'app') !== undefined
  return { file, imports: isNamed ? '{ app }' : 'app', app: 'app' }
}

/** Only where function-chat is being worked on: the package has it in one file with all commands. */
function chatModule(settings: ChatSettings | undefined): AppModule | undefined {
  const file = fileURLToPath(new URL('../function-chat/chat-app.ts', import.meta.url))
  if (!existsSync(file)) return undefined
  if (!settings) return { file, imports: '{ TOOLS }', app: '{ tools: TOOLS }' }
  return { file, imports: '{ chatApp }', app: `chatApp(${JSON.stringify(settings)})` }
}

function testText(name: string, dir: string, module: AppModule): string {
  const path = relative(resolve(dir), module.file).replaceAll('\\', '/')
  const from = JSON.stringify(path.startsWith('.') ? path : `./${path}`).replaceAll('"', "'")
  return `import { fileURLToPath } from 'node:url'
import { expectRun } from 'busline/testing'
import { test } from 'vitest'
import ${module.imports} from ${from}

test('${name} goes as it was recorded', async () => {
  await expectRun(fileURLToPath(new URL('./${name}.jsonl', import.meta.url)), ${module.app})
})
`
}

/** Whole lines, big values in their places: the file stands alone. */
async function* linesUpTo(records: AsyncIterable<JournalRecord>, last = Infinity): AsyncGenerator<string> {
  for await (const record of records) {
    if (record.seq > last) return
    yield `${JSON.stringify(record)}\n`
  }
}

async function write(file: string, content: string | AsyncIterable<string>, force: boolean): Promise<void> {
  try {
    await writeFile(file, content, { flag: force ? 'w' : 'wx' })
  } catch (error) {
    if (error instanceof BuslineError) {
      // What could not be read to its end is no recording.
      await rm(file, { force: true })
      throw error
    }
    const why = error instanceof Error ? error.message : String(error)
    throw new BuslineError('FILE_FAILED', `${file} can't be written: ${why}.`, {
      data: { path: dirname(file) },
      cause: error,
    })
  }
}
