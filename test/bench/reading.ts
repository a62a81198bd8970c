import { spawnSync } from 'node:child_process'
import { quick } from './measure.ts'
import { recordedTurns } from './recorded-turns.ts'
import type { Table } from './table.ts'

const root = new URL('../../', import.meta.url).pathname
/** Tells how much memory a process had at most, as the last line of its stderr. */
const TELL_MEMORY = `data:text/javascript,process.on('exit',()=>process.stderr.write('\\nKB '+process.resourceUsage().maxRSS))`
const OUTPUT_LIMIT = 512 * 1024 * 1024

const SCAN =
  'for await (const lines of scanJournal(path)) for (const line of lines) count += line.envelope.seq'
const READ = 'for await (const record of readJournal(path)) count += record.seq'
const LAST = `await lastLines(path, ({ envelope: { kind, type } }) => kind === 'command' && type === 'chat.runTurn')`

/** Milliseconds and memory of whole processes that read a journal, and end: with what Node itself takes to start. */
export const tables: readonly Table[] = [tableOf(100_000), tableOf(1_000_000)]

function tableOf(count: number): Table {
  const lines = quick ? 1000 : count
  const cases: Record<string, (path: string) => string[]> = {
    'an empty program': () => module('', ''),
    'scanJournal, envelopes': (path) => module(path, SCAN),
    'readJournal, records': (path) => module(path, READ),
    'lastLines, one turn': (path) => module(path, LAST),
    'busline search WORD': (path) => busline('search', 'nightingale', path),
    'busline stats': (path) => busline('stats', path),
    'busline show': (path) => busline('show', path),
    'busline verify': (path) => busline('verify', path),
  }
  return {
    head: `reading a journal of ${lines} lines`,
    columns: ['ms', 'MB'],
    cases: Object.fromEntries(
      Object.entries(cases).map(([name, argv]) => [name, async () => measured(argv(recordedTurns(lines)))]),
    ),
  }
}

function module(path: string, work: string): string[] {
  const program = `
    import { lastLines, readJournal, scanJournal } from 'busline/journal'
    const path = ${JSON.stringify(path)}
    let count = 0
    ${work}`
  return ['--input-type=module', '--eval', program]
}

function busline(...argv: string[]): string[] {
  return [`${root}dist/programs/busline.js`, ...argv]
}

function measured(argv: readonly string[]): number[] {
  const started = performance.now()
  // NODE_OPTIONS as inherited would bring tsx along.
  const { status, stderr } = spawnSync(process.execPath, ['--import', TELL_MEMORY, ...argv], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
    encoding: 'utf8',
    maxBuffer: OUTPUT_LIMIT,
  })
  const ms = performance.now() - started
  const kilobytes = /\nKB (\d+)$/.exec(stderr)?.[1]
  // A search that finds nothing ends with 1.
  if (kilobytes === undefined || (status !== 0 && status !== 1))
    throw new Error(`It ended with ${status}: ${stderr}`)
  return [ms, Number(kilobytes) / 1024]
}
