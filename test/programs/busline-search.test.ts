import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { search } from '../../programs/busline/search.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand } from './fixtures/run-command.ts'
import { writeTwoTurnRun } from './fixtures/two-turn-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-search-'))
let path = ''
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeAll(async () => {
  path = await writeTwoTurnRun(folder, 'run')
})

const Row = z.strictObject({
  run: z.string(),
  line: z.number(),
  match: z.boolean(),
  time: z.number(),
  kind: z.string(),
  type: z.string(),
  id: z.string().nullable(),
  session: z.string().nullable(),
  turn: z.string().nullable(),
  status: z.string().nullable(),
  ms: z.number().nullable(),
  excerpt: z.string(),
  record: z.looseObject({ seq: z.number() }),
})

async function rowsOf(...argv: string[]): Promise<z.output<typeof Row>[]> {
  const { stdout, stderr } = await runCommand(search, [...argv, '--json'])
  expect(stderr).toBe('')
  return linesOf(stdout).map((line) => Row.parse(JSON.parse(line)))
}

test('each match is an object that holds the record, and its line is its place in the file', async () => {
  const rows = await rowsOf('tool:look_up', path)

  expect(rows.map(({ kind, type, status }) => [kind, type, status])).toEqual([
    ['command', 'tool.call', null],
    ['result', 'tool.call', 'error'],
  ])
  for (const { line, record, run, match } of rows)
    expect({ line, run, match }).toEqual({ line: record.seq + 1, run: 'run', match: true })
})

test('people see the number of the line, what it is, and what was sought in colour', async () => {
  const { code, stdout } = await runCommand(search, ['shelf', path, '-n', '1'], { color: true, columns: 160 })

  expect(code).toBe(0)
  expect(stripVTControlCharacters(stdout)).toMatch(/^ +\d+: .*tool\.call.*The shelf is/)
  expect(stdout).toContain('\u001b[1m\u001b[31mshelf\u001b[39m\u001b[22m')
  expect(linesOf(stdout)).toHaveLength(1)
})

test('nothing found is exit code 1 and says nothing', async () => {
  expect(await runCommand(search, ['nowhere', path])).toEqual({ code: 1, stdout: '', stderr: '' })
})

test('a count is of the matching lines, and a limit ends the search', async () => {
  const { stdout } = await runCommand(search, ['kind:command type:tool.call', path, '--count'])

  expect(stdout).toBe('2\n')
  expect((await runCommand(search, ['', path, '--count', '-n', '3'])).stdout).toBe('3\n')
})

test('context is the lines around, a gap between those that do not follow each other', async () => {
  const rows = await rowsOf('type:tool.list kind:command', path, '-C', '1', '-n', '1')
  const [first = 0] = rows.map(({ line }) => line)
  expect(rows.map(({ line, match }) => [line, match])).toEqual([
    [first, false],
    [first + 1, true],
    [first + 2, false],
  ])

  const { stdout } = await runCommand(search, ['kind:header OR type:tool.call', path, '-C', '1'])
  expect(stdout).toContain('\n--\n')
})

test('several runs are named before what they hold, all of a folder from the oldest', async () => {
  const logs = join(folder, 'logs')
  mkdirSync(logs)
  for (const [place, name] of ['older', 'newer'].entries()) {
    const file = join(logs, `${name}.jsonl`)
    writeFileSync(file, `{"seq":0,"time":1,"kind":"event","type":"x","data":"hit \\u001b[2J"}\n`)
    utimesSync(file, 1000 + place, 1000 + place)
  }
  const { stdout } = await runCommand(search, ['hit', '--all', '--log-dir', logs])

  expect(linesOf(stdout).filter((line) => /^(older|newer)$/.test(line))).toEqual(['older', 'newer'])
  expect(stdout).not.toContain('\u001b')
  expect((await runCommand(search, ['hit', '--all', '--log-dir', logs, '--count'])).stdout).toBe(
    '1  older\n1  newer\n',
  )
})

test.each<[string[], RegExp]>([
  [[], /takes a query/],
  [['typ:x'], /wrong at character 1: there is no field typ/],
  [['x', '-n', '0'], /-n takes a whole number from 1/],
  [['x', '-C', 'two'], /-C takes a whole number/],
  [['x', 'run', '--all'], /--all means all runs/],
  [['x', '--all', '--log-dir', '/nowhere'], /there is no folder \/nowhere\. --log-dir names/],
])('search %j is refused', async (argv, why) => {
  expect(await runCommand(search, argv)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(why),
  })
})
