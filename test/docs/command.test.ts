import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { COMMANDS } from '../../programs/busline/commands.ts'
import { linesOf } from '../programs/fixtures/printed.ts'
import type { Ran } from '../programs/fixtures/run-command.ts'

const root = new URL('../../', import.meta.url).pathname
const page = readFileSync(join(root, 'docs/command.md'), 'utf8')

/** The command lines of the page as far as `busline` sees them, and how they are said to end. */
const examples = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
  .flatMap(([, block = '']) => linesOf(block))
  .map((line) => ({ line, words: wordsOf(line), code: Number(/\(exit (\d+)\)/.exec(line)?.[1] ?? 0) }))
  .filter(({ words: [name = ''] }) => Object.hasOwn(COMMANDS, name))

/** The rows of the table of shapes. */
const shapes = [...page.matchAll(/^\| `busline (.+?)`\s+\| (.+?)\s+\| `(.+?)`\s+\|$/gm)].map(
  ([, line = '', what = '', keys = '']) => {
    const [, field, value] = /^`(\w+): "(\w+)"`/.exec(what) ?? []
    return { line, words: wordsOf(`busline ${line}`), field, value, keys: keys.split(', ') }
  },
)

const folder = mkdtempSync(join(tmpdir(), 'busline-command-'))
let ran: Ran[] = []

/** What a shell makes of a line, up to a pipe, a redirection or a comment; without the program's name. */
function wordsOf(line: string): string[] {
  const words: string[] = []
  for (const [word] of line.matchAll(/'[^']*'|"[^"]*"|[^\s'"]+/g)) {
    if (/^[|>#]/.test(word)) break
    words.push(word.replaceAll(/^['"]|['"]$/g, ''))
  }
  return words.slice(1)
}

function node(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return text(child.stdout)
}

/**
 * Has function-chat write a run, and gives it, or its session alone, the ids of the page. A replay finds the ids of a run in the
 * hashes of its requests, so one that is replayed keeps its own.
 */
async function chat(
  own: { name: string; run?: string; session: string; prompts: string[] },
  at: number,
): Promise<void> {
  const dirs = {
    logs: join(folder, `logs-${own.session}`),
    sessions: join(folder, `sessions-${own.session}`),
  }
  const options = ['--log-dir', dirs.logs, '--sessions-dir', dirs.sessions, '--offline', '--no-console']
  const prompts = own.prompts.flatMap((prompt) => ['--prompt', prompt])
  await node('programs/function-chat.ts', ...options, ...prompts)
  const [log = ''] = readdirSync(dirs.logs)
  const [kept = ''] = readdirSync(dirs.sessions)
  const session = kept.replace('.json', '')
  const journal = readFileSync(join(dirs.logs, log), 'utf8')
  const run = /"run":"(\w+)"/.exec(journal)?.[1] ?? ''
  const path = join(folder, 'logs', `${own.name}.jsonl`)
  writeFileSync(
    path,
    own.run === undefined ? journal : journal.replaceAll(run, own.run).replaceAll(session, own.session),
  )
  utimesSync(path, at, at)
  const file = readFileSync(join(dirs.sessions, kept), 'utf8').replaceAll(session, own.session)
  writeFileSync(join(folder, 'sessions', `${own.session}.json`), file)
}

beforeAll(async () => {
  for (const name of ['logs', 'sessions', 'forks', 'tests']) mkdirSync(join(folder, name))
  const now = Date.now() / 1000
  const names = { name: '20261121T090000-4711', run: 'gekzb7k9r9', session: '3ahfv0bq2x' }
  await Promise.all([
    chat({ ...names, prompts: ["What's the weather in Paris?", 'And 24*7?'] }, now - 60),
    chat(
      {
        name: '20261121T101500-4720',
        session: '8xkq21mfp0',
        prompts: ["What's the weather in Rome?", 'And 24*7?'],
      },
      now,
    ),
  ])
  const journal = linesOf(readFileSync(join(folder, 'logs', '20261121T101500-4720.jsonl'), 'utf8'))
  const broken = `${journal.map((line, index) => (index === 19 ? 'broken' : line)).join('\n')}\n`
  for (const name of ['broken', 'torn']) writeFileSync(join(folder, `${name}.jsonl`), broken)
  const prices = {
    asOf: '2026-11-01',
    currency: 'USD',
    per: 1e6,
    models: [{ match: 'gpt-*', input: 2, output: 10 }],
  }
  writeFileSync(join(folder, 'prices.json'), JSON.stringify(prices))

  const words = [...examples, ...shapes].map((example) => JSON.stringify(example.words))
  const printed = await node('test/docs/run-command-lines.ts', folder, ...words)
  ran = linesOf(printed).map((line): Ran => JSON.parse(line))
}, 60_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('docs/command.md', () => {
  test('has an example of every command', () => {
    const shown = new Set(examples.map(({ words: [name = ''] }) => name))
    expect(shown).toEqual(new Set(Object.keys(COMMANDS)))
  })

  test.each(examples.map((example, index) => ({ ...example, index })))('$line', ({ index, line, code }) => {
    const { code: ended, stdout, stderr } = ran[index] ?? { code: -1, stdout: '', stderr: 'was not run' }
    expect({ ended, stderr: ended === code ? '' : stderr }).toEqual({ ended: code, stderr: '' })
    if (!/nothing is found|--out /.test(line)) expect(stdout + stderr).not.toBe('')
  })

  test.each(shapes.map((shape, index) => ({ ...shape, index })))(
    'busline $line prints $field $value with its keys',
    (shape) => {
      const { stdout, stderr } = ran[examples.length + shape.index] ?? { stdout: '', stderr: 'was not run' }
      const objects = linesOf(stdout).map((line) => JSON.parse(line))
      const { field } = shape
      const meant = objects.filter((object) => field === undefined || object[field] === shape.value)
      expect(meant.length, stderr).toBeGreaterThan(0)
      for (const object of meant) expect(new Set(Object.keys(object))).toEqual(new Set(shape.keys))
    },
  )
})
