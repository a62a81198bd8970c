import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readJournal, type JournalRecord } from 'busline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { why } from '../../programs/busline/why.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand } from './fixtures/run-command.ts'
import { writeTwoTurnRun } from './fixtures/two-turn-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-why-'))
let path = ''
const records: JournalRecord[] = []
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeAll(async () => {
  path = await writeTwoTurnRun(folder, 'run')
  for await (const record of readJournal(path)) records.push(record)
})

const Row = z.strictObject({
  relation: z.enum(['cause', 'message', 'effect']),
  depth: z.number(),
  line: z.number(),
  kind: z.string(),
  type: z.string(),
  id: z.string().nullable(),
  name: z.string().nullable(),
  session: z.string().nullable(),
  turn: z.string().nullable(),
  time: z.number(),
  status: z.string().nullable(),
  ms: z.number().nullable(),
  by: z.string().nullable(),
  endLine: z.number().nullable(),
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  askedBy: z.strictObject({ line: z.number(), id: z.string() }).nullable(),
  sent: z.array(z.string().nullable()).nullable(),
  failure: z.looseObject({}).nullable(),
  resultLine: z.number().nullable(),
})

async function rowsOf(...argv: string[]): Promise<z.output<typeof Row>[]> {
  const { code, stdout, stderr } = await runCommand(why, [...argv, path, '--json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return linesOf(stdout).map((line) => Row.parse(JSON.parse(line)))
}

/** The line of the first record that is meant, counted from 1. */
function lineOf(isMeant: (record: JournalRecord) => boolean): number {
  return records.findIndex(isMeant) + 1
}

const failing = (): number => lineOf(({ type, status }) => type === 'tool.call' && status === 'error')

test('a tool call is told by its cause, itself, and the model call that asked for it', async () => {
  const rows = await rowsOf(String(failing()))

  expect(rows.slice(0, 2)).toMatchObject([
    { relation: 'cause', depth: -1, type: 'chat.runTurn', status: 'ok', askedBy: null },
    { relation: 'message', depth: 0, type: 'tool.call', name: 'look_up', resultLine: failing() },
  ])
  expect(rows[1]?.askedBy?.line).toBe(lineOf(({ type }) => type === 'model.call'))
  expect(rows[1]?.failure).toMatchObject({ stoppedBy: { type: 'chat.runTurn' } })
})

test('a turn is told with all that it caused, or only so deep', async () => {
  const turn = lineOf(({ type }) => type === 'chat.runTurn')
  const all = await rowsOf(`line:${turn}`)

  expect(all.filter(({ type }) => type === 'tool.call').map(({ name }) => name)).toEqual([
    'get_weather',
    'look_up',
  ])
  expect(all.every(({ turn: id }) => id === all[0]?.turn)).toBe(true)
  expect(await rowsOf(`line:${turn}`, '--depth', '0')).toHaveLength(1)
})

test('people read the chain from the top, how it ended, and how far the failure went', async () => {
  const { stdout } = await runCommand(why, [String(failing()), path])

  expect(linesOf(stdout)[0]).toMatch(/^chat\.runTurn {2}ok .* line \d+, by toolChatEngine\]$/)
  expect(stdout).toMatch(/\n {2}▶ tool\.call look_up {2}error .*HANDLER_FAILED: The shelf is empty\./)
  expect(stdout).toMatch(/it went no further than chat\.runTurn/)
})

test.each<[string[], RegExp]>([
  [[], /takes an id or a line/],
  [['nothing'], /No message of this run/],
  [['99999'], /no line 99999/],
  [['1', '--depth', 'deep'], /--depth takes a whole number/],
])('why %j is refused', async (argv, problem) => {
  const run = argv.length === 0 ? [] : [path]
  expect(await runCommand(why, [...argv, ...run])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(problem),
  })
})
