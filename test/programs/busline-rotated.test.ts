import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expectRun } from 'busline/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Command } from '../../programs/busline/command.ts'
import { diff } from '../../programs/busline/diff.ts'
import { exportCommand } from '../../programs/busline/export.ts'
import { replay } from '../../programs/busline/replay.ts'
import { reprice } from '../../programs/busline/reprice.ts'
import { search } from '../../programs/busline/search.ts'
import { sessions } from '../../programs/busline/sessions.ts'
import { show } from '../../programs/busline/show.ts'
import { stats } from '../../programs/busline/stats.ts'
import { test as testCommand } from '../../programs/busline/test.ts'
import { trace } from '../../programs/busline/trace.ts'
import { verify } from '../../programs/busline/verify.ts'
import { why } from '../../programs/busline/why.ts'
import {
  app,
  forked,
  recordsOf,
  rotatedLine,
  writeRotatedRun,
  type RotatedRun,
} from './fixtures/rotated-run.ts'
import { runCommand } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-rotated-'))
const apps = join(folder, 'app.mjs')
const prices = join(folder, 'prices.json')
let run: RotatedRun
afterAll(() => rmSync(folder, { recursive: true, force: true }))

beforeAll(async () => {
  Object.assign(globalThis, { rotatedApp: app })
  writeFileSync(apps, 'export const app = globalThis.rotatedApp\n')
  writeFileSync(
    prices,
    '{"asOf":"2026-01-01","currency":"USD","per":1000000,"models":[{"match":"gpt-4o","input":1,"output":2}]}',
  )
  run = await writeRotatedRun(folder)
})

/** The number of a line in the plain run. */
const plainLine = (line: number): number => line - run.headers.filter((seq) => seq + 1 < line).length

/** What is said of the rotated run, with the line numbers and the name of the plain one. */
function asPlain(text: string): string {
  return text
    .replaceAll(/(?<="(?:line|endLine|resultLine)":|\bline )\d+/g, (line) => String(plainLine(Number(line))))
    .replaceAll(/(?<="seq":)\d+/g, (seq) => String(plainLine(Number(seq) + 1) - 1))
    .replaceAll(run.rotated, run.plain)
}

/** The same for a table, whose first column is the line or, of turns and calls, one of the first. */
function withPlainLines(text: string): string {
  const [status = '', head = '', ...rows] = text.split(/\n/)
  const column = head.split(',').indexOf('line')
  const plain = rows.map((row) =>
    row
      .split(',')
      .map((cell, place) => (place === column ? String(plainLine(Number(cell))) : cell))
      .join(','),
  )
  return [status, head, ...plain.slice(0, -1), rows.at(-1)].join('\n')
}

/** The arguments of a command for a run: a search has the words last. */
function asked(command: Command, path: string, options: readonly string[]): string[] {
  return command === search ? [...options, path] : [path, ...options]
}

async function said(command: Command, ...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, argv)
  return `${code}\n${stdout}${stderr}`
}

/** What is not the same in both: the run as a file. */
const asOneFile = (text: string): string =>
  text
    .replaceAll(/"(?:path|bytes|changed|segments|files)":("[^"]*"|\d+|null),?/g, '')
    .replaceAll(/"(?:lines|replayed|header|lastTime)":\d+/g, '')

test('the run has what it is to have', async () => {
  expect(run.headers.length).toBeGreaterThan(6)
  const { stdout } = await runCommand(verify, [run.rotated, '--json'])
  expect(JSON.parse(stdout.split('\n').at(-2) ?? '')).toMatchObject({ ok: true })
  const { stdout: events } = await runCommand(show, [run.rotated, '--events', '--json'])
  expect(events.split('"bus.opened"')).toHaveLength(3)
  expect(readdirSync(run.rotated.replace('.jsonl', '.blobs')).length).toBeGreaterThan(1)
})

describe('a run of three processes in small segments is read as if it stood in one file', () => {
  const commands: Record<string, [Command, ...string[]]> = {
    'show --all --json': [show, '--all', '--json'],
    'show --all': [show, '--all'],
    'show --all --messages': [show, '--all', '--messages'],
    'show --turn 2 --json': [show, '--turn', '2', '--json'],
    'show --last 1': [show, '--last', '1'],
    stats: [stats, '--json'],
    'stats --by turn': [stats, '--by', 'turn', '--json'],
    'stats --by tool': [stats, '--by', 'tool', '--json'],
    'trace --all': [trace, '--all', '--json'],
    'search type:tool.call': [search, '--json', 'type:tool.call'],
    'search name': [search, '--json', 'tool:read_file'],
    'export markdown': [exportCommand],
    'export csv turns': [exportCommand, '--format', 'csv', '--table', 'turns'],
    'export csv calls': [exportCommand, '--format', 'csv', '--table', 'calls'],
    'export perfetto': [exportCommand, '--format', 'perfetto'],
    'export openai': [exportCommand, '--format', 'openai'],
    'export otlp': [exportCommand, '--format', 'otlp'],
    reprice: [reprice, '--json', '--prices', prices],
    replay: [replay, '--json', '--app', apps],
  }
  for (const [name, [command, ...options]] of Object.entries(commands)) {
    test(name, async () => {
      const expected = await said(command, ...asked(command, run.plain, options))
      expect(expected).toMatch(/^0\n/)
      const found = asPlain(await said(command, ...asked(command, run.rotated, options)))
      const isTable = options.includes('csv')
      expect(isTable ? withPlainLines(found) : asOneFile(found)).toBe(
        isTable ? expected : asOneFile(expected),
      )
    })
  }

  test('why, of calls', async () => {
    for (const { seq, kind, type } of recordsOf(run.plain)) {
      if (kind !== 'command' || !type.endsWith('.call')) continue
      const [plain, rotated] = [seq + 1, rotatedLine(run, seq + 1)]
      const expected = await said(why, String(plain), run.plain, '--json')
      expect(asPlain(await said(why, String(rotated), run.rotated, '--json'))).toBe(expected)
    }
  })

  test('diff', async () => {
    expect(await said(diff, run.plain, run.rotated)).toMatch(/^0\n/)
  })

  test('forks of turns that stand in several segments: the same sessions, verified and replayed', async () => {
    const [a, b] = [join(folder, 'fork-a.jsonl'), join(folder, 'fork-b.jsonl')]
    // Each line is a slow check.
    for (const { seq } of recordsOf(run.plain).filter((_, place) => place % 9 === 8)) {
      const at = rotatedLine(run, seq + 1)
      const expected = await forked(run.plain, { at: seq + 1, to: a })
      const found = await forked(run.rotated, { at, to: b }, async () => {
        expect(await said(verify, b), `line ${at}`).toMatch(/^0\n/)
        expect(await said(replay, b, '--app', apps), `line ${at}`).toMatch(/^0\n/)
      })
      expect(found, `line ${at}`).toEqual(expected)
    }
  })

  test('test add, and expectRun', async () => {
    const dir = join(folder, 'kept')
    const { code, stderr } = await runCommand(testCommand, ['add', run.rotated, '--app', apps, '--dir', dir])
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.not.stringContaining('does not pass') })
    await expectRun(run.rotated, app)
    await expectRun(join(dir, 'run.jsonl'), app)
  })

  test('sessions rebuild', async () => {
    const [a, b] = [join(folder, 'a'), join(folder, 'b')]
    const rebuilt = (path: string, to: string): Promise<string> =>
      said(sessions, 'rebuild', path, '--sessions-dir', to, '--json')
    expect(await rebuilt(run.rotated, b)).toBe(await rebuilt(run.plain, a))
    expect(readFileSync(join(b, 'work.json'), 'utf8')).toBe(readFileSync(join(a, 'work.json'), 'utf8'))
  })
})
