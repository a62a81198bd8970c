import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { defineEvent, jsonlJournal, MessageBus } from 'busline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { search } from '../../programs/busline/search.ts'
import { linesOf } from './fixtures/printed.ts'
import { rewritten } from './fixtures/rewritten.ts'
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

test('a journal that another program wrote again is searched as the one it was', async () => {
  const ours = join(folder, 'ours.jsonl')
  const theirs = join(folder, 'theirs.jsonl')
  const said = { seq: 3, time: 4, kind: 'event', type: 'x', data: { text: 'Café </b> "Zoë" type' } }
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(0, 3)
  writeFileSync(ours, [...lines, JSON.stringify(said), ''].join('\n'))
  writeFileSync(theirs, rewritten(readFileSync(ours, 'utf8')))

  const queries = ['Café', '</b>', '"\\"Zoë\\""', 'text', 'seq', '(-Café)', 'data.text~Zoë', 'type OR Café']
  for (const query of queries) {
    const [here, there] = [await search_(query, ours), await search_(query, theirs)]
    expect(there, query).toEqual(here)
  }
  expect(await search_('Café', theirs)).toMatchObject([{ line: 4, excerpt: expect.stringMatching(/Café/) }])
  expect(await search_('CAFÉ', theirs, '-i')).toHaveLength(1)

  async function search_(...argv: string[]): Promise<object[]> {
    return (await rowsOf(...argv)).map(({ run: _run, ...row }) => row)
  }
})

test('what stands beside the journal is searched too, as long as it is there', async () => {
  const Kept = defineEvent('test.kept', { data: z.object({ text: z.string() }) })
  const file = join(folder, 'big.jsonl')
  const bus = new MessageBus({ journal: jsonlJournal(file) })
  await bus.publish(Kept, { text: `${'x'.repeat(9000)} a nightingale sang ${'y'.repeat(9000)}` }).accepted
  await bus.stop()

  const [row, ...more] = await rowsOf('nightingale', file)
  expect(more).toEqual([])
  expect(row).toMatchObject({ line: 2, excerpt: expect.stringMatching(/a nightingale sang/) })
  expect(row?.record).toMatchObject({ data: { text: { $blob: expect.stringMatching(/^sha256-/) } } })
  expect(await rowsOf('data.text~nightingale', file)).toHaveLength(1)

  rmSync(join(folder, 'big.blobs'), { recursive: true })
  expect(await runCommand(search, ['nightingale', file])).toEqual({ code: 1, stdout: '', stderr: '' })
  expect(await rowsOf('xxxx', file)).toHaveLength(1)
})

test('a streamed text is found where its pieces join', async () => {
  const file = join(folder, 'streamed.jsonl')
  const deltas = [[0, 'a night'], [3.5, 'ing'], [9, 'ale \\"'], [10, '] sang']] // prettier-ignore
  writeFileSync(file, `${JSON.stringify({ seq: 0, time: 1, kind: 'event', type: 'x', data: { deltas } })}\n`)

  for (const words of ['nightingale', '"ale \\\\\\"] sang"']) {
    const [row] = await rowsOf(words, file)
    expect(row, words).toMatchObject({ line: 1, excerpt: expect.stringMatching(/nightingale/) })
  }
  expect((await runCommand(search, ['"night,"', file])).code).toBe(1)
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
