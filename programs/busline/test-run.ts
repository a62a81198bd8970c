import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { BuslineError, visibleLine } from 'busline'
import { expectRun, RunDiverged, type ExpectRunOptions } from 'busline/testing'
import { EXIT, exitCodeFor } from '../function-chat/exit-codes.ts'
import { jsonLine } from '../function-chat/json-line.ts'
import { UsageError } from '../function-chat/usage-error.ts'
import type { Terminal } from './command.ts'
import { keptApp } from './kept-app.ts'
import { loadApp } from './load-app.ts'
import { painter } from './paint.ts'

interface Values {
  readonly app?: string | undefined
  readonly json?: boolean | undefined
  readonly update?: boolean | undefined
  readonly live?: readonly string[] | undefined
  readonly ignore?: readonly string[] | undefined
  readonly loosen?: readonly string[] | undefined
}

/** What became of one recorded run. */
interface Tested {
  readonly file: string
  /** As `--app` takes it; null for that of busline chat. */
  readonly app: string | null
  readonly status: 'pass' | 'fail' | 'updated' | 'error'
  readonly ms: number
  readonly lines: number | null
  readonly divergences: readonly object[]
  readonly error: { code: string; message: string } | null
}

/** Replays every journal of a folder, each with the app that it was kept with. Resolves to the exit code: that of what was worst. */
export async function runTests(dir: string, values: Values, terminal: Terminal): Promise<number> {
  const { output, signal, color } = terminal
  const options: ExpectRunOptions = {
    loosen: Object.fromEntries((values.loosen ?? []).map(loosened)),
    ignore: values.ignore,
    live: values.live,
    signal,
    say: () => undefined,
    ...(values.update && { update: true }),
  }
  const counts = { pass: 0, fail: 0, updated: 0, error: 0 }
  let code: number = EXIT.ok
  for (const file of runsIn(dir)) {
    if (signal.aborted || output.failure !== undefined) break
    const spec = values.app ?? keptApp(file)
    const { tested, exit, message } = await tryRun(file, spec, options)
    counts[tested.status]++
    code = Math.max(code, exit)
    await output.print(
      values.json ? jsonLine(tested) : describe(tested, message + hintOn(tested, spec), color),
    )
  }
  const words = Object.entries(counts).filter(([, count]) => count > 0)
  if (!values.json)
    await output.print(`${words.map(([word, count]) => `${count} ${WORDS[word] ?? word}`).join(', ')}\n`)
  return code
}

/** A run of another app differs from the start: what it was run with is then the first thing to know. */
function hintOn({ status }: Tested, spec: string | undefined): string {
  if (status !== 'fail') return ''
  return spec === undefined
    ? '\nIt was run with the app of busline chat. If it is a run of another, name that: --app FILE#EXPORT.'
    : `\nIt was run with the app ${visibleLine(spec)}.`
}

const WORDS: Readonly<Record<string, string>> = {
  pass: 'passed',
  fail: 'failed',
  updated: 'written anew',
  error: 'could not be replayed',
}

function runsIn(dir: string): string[] {
  const names = namesIn(dir).filter((name) => name.endsWith('.jsonl'))
  if (names.length > 0) return names.toSorted().map((name) => join(dir, name))
  throw new UsageError(`${dir} holds no recorded run. busline test add RUN --dir ${dir} keeps one there.`)
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const why = error instanceof Error ? error.message : String(error)
    const message = isMissing
      ? `There is no folder ${dir}. busline test add RUN keeps a run in test/runs as a test; busline test run DIR takes another folder.`
      : `The folder ${dir} can't be read: ${why}.`
    throw new BuslineError('FILE_FAILED', message, { cause: error })
  }
}

const HOWS = ['exact', 'shape', 'type', 'ignore'] as const

function loosened(text: string): [type: string, how: (typeof HOWS)[number]] {
  const at = text.lastIndexOf('=')
  const how = HOWS.find((one) => one === text.slice(at + 1))
  if (at > 0 && how) return [text.slice(0, at), how]
  throw new UsageError(
    `--loosen takes TYPE=HOW, HOW one of ${HOWS.join(', ')}. Example: --loosen model.call=shape`,
  )
}

async function tryRun(
  file: string,
  spec: string | undefined,
  options: ExpectRunOptions,
): Promise<{ tested: Tested; exit: number; message: string }> {
  const start = performance.now()
  const done = (what: Partial<Tested>, exit: number, message = '') => {
    const ms = Math.round(performance.now() - start)
    const tested: Tested = {
      file,
      app: spec ?? null,
      status: 'pass',
      ms,
      lines: null,
      divergences: [],
      error: null,
      ...what,
    }
    return { tested, exit, message }
  }
  try {
    const { report, updated } = await expectRun(file, await loadApp(spec, file), options)
    return done({ status: updated ? 'updated' : 'pass', lines: report.lines }, EXIT.ok)
  } catch (error) {
    if (error instanceof RunDiverged) {
      const divergences = error.divergences.map(
        ({ kind, line, type, path, recorded = null, replayed = null }) => ({
          kind,
          line,
          type,
          path,
          recorded,
          replayed,
        }),
      )
      return done({ status: 'fail', divergences }, EXIT.failed, error.message)
    }
    if (!(error instanceof BuslineError) || error.code === 'INVALID_OPTION') throw error
    const exit = error.code === 'RUN_NOT_FOUND' ? EXIT.replayMiss : exitCodeFor(error)
    return done({ status: 'error', error: { code: error.code, message: error.message } }, exit, error.message)
  }
}

function describe({ file, status, lines, ms }: Tested, message: string, color: boolean): string {
  const paint = painter(color)
  const style = { pass: 'green', updated: 'yellow', fail: 'red', error: 'red' } as const
  const size = lines === null ? '' : `${lines} lines, `
  const head = `${paint(style[status], status.padEnd(7))}  ${visibleLine(file)}  (${size}${ms} ms)\n`
  return message === '' ? head : `${head}${message.replaceAll(/^/gm, '    ')}\n`
}
