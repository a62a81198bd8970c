import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { stats } from '../../programs/busline/stats.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand } from './fixtures/run-command.ts'
import { writeTwoTurnRun } from './fixtures/two-turn-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-stats-'))
let path = ''
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeAll(async () => {
  path = await writeTwoTurnRun(folder, 'run')
})

const Summary = z.strictObject({
  count: z.number(),
  sum: z.number(),
  p50: z.number(),
  p90: z.number(),
  p95: z.number(),
  p99: z.number(),
  max: z.number(),
})
const Tokens = z.strictObject({
  input: z.number(),
  output: z.number(),
  cached: z.number(),
  reasoning: z.number(),
})
const Row = z.strictObject({
  by: z.enum(['all', 'model', 'session', 'tool', 'type']),
  key: z.string().nullable(),
  calls: z.number(),
  ok: z.number(),
  error: z.number(),
  cancelled: z.number(),
  timeout: z.number(),
  interrupted: z.number(),
  errors: z.record(z.string(), z.number()),
  ms: Summary.nullable(),
  modelCalls: z.number(),
  tokens: Tokens,
  usageUnknown: z.number(),
  cost: z.number(),
  costUnknown: z.number(),
  firstTokenMs: Summary.nullable(),
  tokensPerSecond: z.number().nullable(),
})
const Turn = z.strictObject({
  by: z.literal('turn'),
  key: z.string(),
  session: z.string().nullable(),
  line: z.number(),
  startedAt: z.number(),
  ms: z.number().nullable(),
  status: z.string(),
  error: z.string().nullable(),
  steps: z.number(),
  modelCalls: z.number(),
  toolCalls: z.number(),
  tokens: Tokens,
  usageUnknown: z.number(),
  cost: z.number(),
  costUnknown: z.number(),
})

async function rowsOf<Of extends z.ZodType>(row: Of, ...argv: string[]): Promise<z.output<Of>[]> {
  const { code, stdout, stderr } = await runCommand(stats, [path, '--json', ...argv])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return linesOf(stdout).map((line) => row.parse(JSON.parse(line)))
}

test('rows of one table are one object each, every key there', async () => {
  expect(await rowsOf(Row, '--by', 'tool')).toMatchObject([
    { key: 'get_weather', calls: 1, ok: 1 },
    { key: 'look_up', calls: 1, error: 1, errors: { HANDLER_FAILED: 1 } },
  ])
  expect(await rowsOf(Row, '--by', 'session')).toMatchObject([{ key: 's1' }, { key: 's2' }])
  expect(await rowsOf(Turn, '--by', 'turn')).toMatchObject([
    { session: 's1', status: 'ok', steps: 2, toolCalls: 2 },
    { session: 's2', status: 'ok', steps: 1, toolCalls: 0 },
  ])
})

test('without a choice the run comes first, then the sum over all, then every table', async () => {
  const [run, all, ...others] = await rowsOf(z.looseObject({ by: z.string(), key: z.string().nullable() }))

  expect(run).toMatchObject({
    by: 'run',
    key: 'run',
    kinds: { header: 1 },
    turns: { count: 2, ok: 2, steps: 3 },
  })
  expect(all).toMatchObject({ by: 'all', key: null })
  expect([...new Set(others.map(({ by }) => by))]).toEqual(['model', 'tool', 'session', 'type'])
})

test('people get the run, its turns, its errors and a table of each', async () => {
  const { code, stdout } = await runCommand(stats, [path])

  expect(code).toBe(0)
  expect(stdout).toMatch(/^run\n {2}lines {3}\d+ .*\n {2}turns {3}2 {2}ok 2 {2}steps 3/)
  expect(stdout).toContain('errors  HANDLER_FAILED 1')
  for (const word of ['get_weather', 'look_up', 's1', 's2', 'model.call', 'turn p50'])
    expect(stdout).toContain(word)
  expect(stdout).not.toContain('\u001b')
})

test('several runs are added up', async () => {
  const { stdout } = await runCommand(stats, [path, path, '--json', '--by', 'tool'])

  expect(linesOf(stdout).map((line) => Row.parse(JSON.parse(line)).calls)).toEqual([2, 2])
})

test('a table that there is not is refused, and a damaged file told', async () => {
  expect(await runCommand(stats, [path, '--by', 'week'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: '--by takes model, tool, session, type or turn, not week.\n',
  })
  const damaged = join(folder, 'damaged.jsonl')
  writeFileSync(damaged, '{"seq":0,"time":1,"kind":"event","type":"x"}\nnonsense\n')
  expect(await runCommand(stats, [damaged])).toMatchObject({ code: 3, stdout: '' })
})

test('a run of a bus without an engine, and one with a torn end have stats; an empty file has none', async () => {
  const foreign = join(folder, 'foreign.jsonl')
  writeFileSync(foreign, '{"seq":0,"time":1,"kind":"command","type":"\\u001b[2Jx","id":"a"}\n')
  appendFileSync(foreign, '{"seq":1,"ti')
  const { code, stdout, stderr } = await runCommand(stats, [foreign])
  expect(code).toBe(0)
  expect(stdout).toContain('interrupted 1')
  expect(stdout).not.toContain('\u001b')
  expect(stderr).toContain('torn')

  const empty = join(folder, 'empty.jsonl')
  writeFileSync(empty, '')
  expect(await runCommand(stats, [empty])).toMatchObject({
    code: 3,
    stdout: '',
    stderr: expect.stringMatching(/is no journal: it holds not a single record/),
  })
})
