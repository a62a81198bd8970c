import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { trace } from '../../programs/busline/trace.ts'
import { linesOf } from './fixtures/printed.ts'
import { rewritten } from './fixtures/rewritten.ts'
import { runCommand } from './fixtures/run-command.ts'
import { writeTwoTurnRun } from './fixtures/two-turn-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-trace-'))
const drawn = join(folder, 'drawn.jsonl')
let path = ''
afterAll(() => rmSync(folder, { recursive: true, force: true }))

beforeAll(async () => {
  path = await writeTwoTurnRun(folder, 'run')
  const about = { root: 't', turn: 't', session: 's' }
  const under = { ...about, cause: 't' }
  writeRecords(drawn, [
    { time: 1000, kind: 'command', type: 'chat.runTurn', id: 't', ...about, data: {} },
    { time: 1000, kind: 'command', type: 'model.call', id: 't.1', ...under, data: { model: 'm1' } },
    { time: 1500, kind: 'event', type: 'model.textReceived', id: 't.1.1', ...under, cause: 't.1', data: {} },
    {
      time: 1600,
      kind: 'result',
      type: 'model.call',
      of: 't.1',
      ...under,
      ms: 600,
      status: 'ok',
      output: {},
    },
    { time: 1600, kind: 'command', type: 'tool.call', id: 't.2', ...under, data: { name: 'quick' } },
    { time: 1600, kind: 'command', type: 'tool.call', id: 't.3', ...under, data: { name: 'slow' } },
    { time: 1700, kind: 'result', type: 'tool.call', of: 't.2', ...under, ms: 100, status: 'ok', output: 1 },
    { time: 2000, kind: 'result', type: 'tool.call', of: 't.3', ...under, ms: 400, status: 'ok', output: 1 },
    {
      time: 2000,
      kind: 'result',
      type: 'chat.runTurn',
      of: 't',
      ...about,
      ms: 1000,
      status: 'ok',
      output: {},
    },
  ])
})

function writeRecords(file: string, records: readonly object[]): void {
  writeFileSync(file, records.map((record, seq) => `${JSON.stringify({ seq, ...record })}\n`).join(''))
}

const Row = z.strictObject({
  id: z.string(),
  parent: z.string().nullable(),
  root: z.string().nullable(),
  session: z.string().nullable(),
  turn: z.string().nullable(),
  depth: z.number(),
  kind: z.enum(['command', 'custom']),
  type: z.string(),
  name: z.string().nullable(),
  start: z.number(),
  ms: z.number().nullable(),
  selfMs: z.number(),
  status: z.string(),
  by: z.string().nullable(),
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  critical: z.array(z.tuple([z.number(), z.number()])),
  criticalMs: z.number(),
  firstPieceMs: z.number().nullable(),
})

async function rowsOf(...argv: string[]): Promise<z.output<typeof Row>[]> {
  const { code, stdout, stderr } = await runCommand(trace, [...argv, '--json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return linesOf(stdout).map((line) => Row.parse(JSON.parse(line)))
}

test('rows tell the critical path, the first piece of an answer, and the time of each itself', async () => {
  const rows = await rowsOf(drawn)

  expect(
    rows.map(({ name, depth, ms, selfMs, critical, firstPieceMs }) => [
      name,
      depth,
      ms,
      selfMs,
      critical,
      firstPieceMs,
    ]),
  ).toEqual([
    [null, 0, 1000, 0, [], null],
    ['m1', 1, 600, 600, [[0, 600]], 500],
    ['quick', 1, 100, 100, [], null],
    ['slow', 1, 400, 400, [[600, 1000]], null],
  ])
})

test('the picture marks what is on the critical path and when the answer came', async () => {
  const { stdout } = await runCommand(trace, [drawn], { columns: 100 })
  const [head = '', scale = '', turn = '', model = '', quick = '', slow = '', legend = ''] = linesOf(stdout)

  expect(head).toBe('turn t  session s  1970-01-01T00:00:01.000Z')
  expect(scale).toMatch(/status +time +self 0 +1\.00 s$/)
  expect(turn).toMatch(/^chat\.runTurn +ok +1\.00 s +0 ms ─+$/)
  expect(model).toMatch(/^ {2}model\.call m1 +ok +600 ms +600 ms █+▼█+$/)
  expect(quick).toMatch(/ {2}─+$/)
  expect(slow).toMatch(/ {2}█+$/)
  expect(legend).toContain('critical path')
  for (const line of linesOf(stdout).slice(1, -1)) expect(line.length).toBeLessThanOrEqual(100)
})

test('the last turn is the default; a number, a session, a root and all are other choices', async () => {
  const sessionsIn = async (...argv: string[]): Promise<(string | null)[]> => [
    ...new Set(
      (await rowsOf(path, ...argv)).filter(({ depth }) => depth === 0).map(({ session }) => session),
    ),
  ]

  expect(await sessionsIn()).toEqual(['s2'])
  expect(await sessionsIn('--turn', '1')).toEqual(['s1'])
  expect(await sessionsIn('--turn=-1')).toEqual(['s2'])
  expect(await sessionsIn('--session', 's1')).toEqual(['s1'])
  expect(await sessionsIn('--all')).toEqual(expect.arrayContaining(['s1', 's2']))
  const [turn] = await rowsOf(path)
  expect(await sessionsIn('--root', turn?.root ?? '')).toEqual(['s2'])
})

test('a run that another program wrote again, with spaces, is drawn as the one it was', async () => {
  const spaced = join(folder, 'spaced.jsonl')
  writeFileSync(spaced, rewritten(readFileSync(path, 'utf8')))

  expect(await rowsOf(spaced)).toEqual(await rowsOf(path))
  expect(await rowsOf(spaced, '--turn', '1')).toEqual(await rowsOf(path, '--turn', '1'))
})

test('a run without turns is drawn whole, an open command as such, and escapes are made visible', async () => {
  const foreign = join(folder, 'foreign.jsonl')
  writeRecords(foreign, [
    { time: 0, kind: 'command', type: '\u001b[2Ja', id: 'a', root: 'a' },
    { time: 50, kind: 'command', type: 'b', id: 'a.1', cause: 'a', root: 'a' },
  ])
  const { code, stdout } = await runCommand(trace, [foreign])

  expect(code).toBe(0)
  expect(stdout).toContain('interrupted')
  expect(stdout).toContain('no end')
  expect(stdout).not.toContain('\u001b')
})

test.each<[string[], RegExp]>([
  [['--turn', '9'], /no turn 9/],
  [['--turn', '0'], /counts from 1/],
  [['--turn', '1', '--all'], /give one of them/],
  [['--root', 'gone'], /There is no command of root gone/],
  [['other'], /takes one run/],
])('trace %j is refused', async (argv, why) => {
  expect(await runCommand(trace, [path, ...argv])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(why),
  })
})
