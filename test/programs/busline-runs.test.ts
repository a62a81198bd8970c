import { appendFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, defineTool, jsonlJournal, MessageBus, scriptedProvider } from 'busline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { openRun } from '../../programs/busline/open-run.ts'
import { runs } from '../../programs/busline/runs.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-runs-'))
const logs = join(folder, 'logs')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const Row = z.strictObject({
  run: z.string().nullable(),
  name: z.string(),
  file: z.string(),
  startedAt: z.number().nullable(),
  ms: z.number().nullable(),
  state: z.enum(['running', 'ended', 'interrupted', 'torn', 'damaged']),
  pid: z.number().nullable(),
  lines: z.number().nullable(),
  bytes: z.number(),
  turns: z.number().nullable(),
  sessions: z.number().nullable(),
  models: z.array(z.string()).nullable(),
  inputTokens: z.number().nullable(),
  outputTokens: z.number().nullable(),
  cost: z.number().nullable(),
  errors: z.number().nullable(),
})

async function rowsOf(...argv: string[]): Promise<z.output<typeof Row>[]> {
  const { code, stdout, stderr } = await runCommand(runs, [...argv, '--json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return linesOf(stdout).map((line) => Row.parse(JSON.parse(line)))
}

/** Writes a run with two turns, one of them with a tool that fails. */
async function writeRun(name: string): Promise<string> {
  const path = join(logs, `${name}.jsonl`)
  const lookUp = defineTool({
    name: 'look_up',
    description: 'Looks something up.',
    parameters: z.object({}),
    run: () => {
      throw new Error('The shelf is empty.')
    },
  })
  const provider = scriptedProvider([
    { toolCalls: [{ name: 'look_up', arguments: {} }] },
    'Nothing there.',
    'Good evening.',
  ])
  await using app = createApp({ provider, tools: [lookUp], journal: path })
  await app.chat('s1').send('What is on the shelf?')
  await app.chat('s2').send('Good evening')
  return path
}

function place(name: string, text: string, secondsAgo: number): string {
  const path = join(logs, `${name}.jsonl`)
  writeFileSync(path, text)
  const at = Date.now() / 1000 - secondsAgo
  utimesSync(path, at, at)
  return path
}

const header = (run: string): string =>
  `{"v":1,"seq":0,"time":1700000000000,"kind":"header","type":"busline.journal","data":{"run":"${run}"}}\n`
const event = (seq: number, data = '{}'): string =>
  `{"seq":${seq},"time":${1_700_000_000_000 + seq},"kind":"event","type":"a.b","id":"x-${seq}","data":${data}}\n`

beforeAll(async () => {
  mkdirSync(logs)
  place('20261121T090000-1', header('aaaa1') + event(1), 3000)
  place('20261121T090000-2', header('aaaa2') + event(1).slice(0, 20), 2000)
  place('rotated.00001', header('rota') + event(1), 1600)
  place('rotated', event(2) + event(3), 1500)
  place('damaged', `${header('dama')}no record\n`, 1000)
  place('empty', '', 500)
  await writeRun('chat')
})

describe('busline runs', () => {
  test('tells of each run its id, length, turns, sessions, tokens and errors, last written first', async () => {
    const rows = await rowsOf(logs)
    expect(rows.map(({ name }) => name)).toEqual([
      'chat',
      'empty',
      'damaged',
      'rotated',
      '20261121T090000-2',
      '20261121T090000-1',
    ])
    expect(rows[0]).toMatchObject({ state: 'ended', pid: null, turns: 2, sessions: 2, errors: 1 })
    expect(rows[0]?.lines).toBeGreaterThan(40)
    expect(rows[5]).toMatchObject({ run: 'aaaa1', startedAt: 1_700_000_000_000, ms: 1, lines: 2, turns: 0 })
  })

  test('tells torn, damaged and empty files apart, and counts segments as one run', async () => {
    const states = Object.fromEntries((await rowsOf(logs)).map((row) => [row.name, row]))
    expect(states['20261121T090000-2']).toMatchObject({ state: 'torn', lines: 1 })
    expect(states['damaged']).toMatchObject({ state: 'damaged', run: 'dama', turns: null })
    expect(states['empty']).toMatchObject({ state: 'ended', run: null, lines: 0, bytes: 0 })
    expect(states['rotated']).toMatchObject({ run: 'rota', lines: 4, ms: 3, state: 'ended' })
    expect(states).not.toHaveProperty(['rotated.00001'])
  })

  test('calls a run running as long as a live process holds it', async () => {
    const path = join(folder, 'held', 'now.jsonl')
    const bus = new MessageBus({ journal: jsonlJournal(path) })
    expect(await rowsOf(join(folder, 'held'))).toMatchObject([{ state: 'running', pid: process.pid }])
    await bus.stop()
    expect(await rowsOf(join(folder, 'held'))).toMatchObject([{ state: 'ended', pid: null }])
  })

  test('reads no more than the ends of a large file, unless --full', async () => {
    const large = join(folder, 'large')
    mkdirSync(large)
    const path = join(large, 'big.jsonl')
    writeFileSync(path, header('bigg'))
    const data = JSON.stringify('x'.repeat(1000))
    appendFileSync(path, Array.from({ length: 1200 }, (_, index) => event(index + 1, data)).join(''))
    expect(await rowsOf(large)).toMatchObject([{ lines: 1201, ms: 1200, turns: null, errors: null }])
    expect(await rowsOf(large, '--full')).toMatchObject([{ lines: 1201, turns: 0, errors: 0 }])
    const { stdout } = await runCommand(runs, [large])
    expect(stdout).toMatch(/^bigg +big .* ~ .*1\.3 MB +ended$/m)
  })

  test('prints a table, the newest -n of them, and says how many more there are', async () => {
    const { code, stdout, stderr } = await runCommand(runs, [logs, '-n', '2'])
    expect(code).toBe(0)
    expect(linesOf(stdout)).toEqual([
      expect.stringMatching(
        /^id +file +start +took +turns +sessions +model +tokens +cost +errors +size +state$/,
      ),
      expect.stringMatching(/^\S+ +chat +.* 2 +2 .*ended$/),
      expect.stringMatching(/^- +empty .*ended$/),
    ])
    expect(stderr).toBe('4 more runs; --all lists them.\n')
  })

  test('says that there are none, and refuses a folder that is not there', async () => {
    mkdirSync(join(folder, 'bare'))
    expect(await runCommand(runs, [join(folder, 'bare')])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^No runs in /),
    })
    const missing = await runCommand(runs, [join(folder, 'nowhere')])
    expect(missing).toMatchObject({ code: 2, stdout: '' })
    expect(missing.stderr).toMatch(/^There is no folder \S+nowhere\.\n$/)
  })
})

describe('a run is found', () => {
  const open = (wanted?: string): ReturnType<typeof openRun> =>
    openRun(wanted, { 'log-dir': logs }, { say: () => undefined }, { mayBeEmpty: true })

  test.each([
    ['by its path', join(logs, 'chat.jsonl'), 'chat'],
    ['by the name of its file', 'rotated', 'rotated'],
    ['by the beginning of that', 'dam', 'damaged'],
    ['by its name with the extension', 'rotated.jsonl', 'rotated'],
    ['by its id', 'aaaa1', '20261121T090000-1'],
    ['by the beginning of its id', 'rot', 'rotated'],
    ['as the last one', '@latest', 'chat'],
    ['as the last one when nothing is said', undefined, 'chat'],
    ['as the one before', '@latest~1', 'empty'],
  ])('%s', async (_how, wanted, name) => {
    const run = await open(wanted)
    expect(run).toMatchObject({ name, path: join(logs, `${name}.jsonl`) })
  })

  test.each([
    [
      'which nobody has',
      'zzzz',
      /^There is no file zzzz, and no run in \S+ whose id or file name begins so\./,
    ],
    [
      'which several have',
      'aaaa',
      /^aaaa is the beginning of 2 runs: 20261121T090000-2, 20261121T090000-1\./,
    ],
    ['which is a slip', 'chta', /Near: chat\b/],
    [
      'further back than there are runs',
      '@latest~9',
      /^There is no run @latest~9: \S+ holds only 6 of them\.$/,
    ],
  ])('not by a name %s', async (_what, wanted, complaint) => {
    await expect(open(wanted)).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
      message: expect.stringMatching(complaint),
    })
  })

  test('and read from its first segment to its last line', async () => {
    const seqs: number[] = []
    for await (const { seq } of (await open('rotated')).records()) seqs.push(seq)
    expect(seqs).toEqual([0, 1, 2, 3])
  })

  test('and a torn tail is said once', async () => {
    const said: string[] = []
    const run = await openRun('aaaa2', { 'log-dir': logs }, { say: (text) => said.push(text) })
    for (let twice = 0; twice < 2; twice++)
      for await (const record of run.records()) expect(record.seq).toBe(0)
    expect(said).toEqual([expect.stringMatching(/^Line 2 of \S+ is torn \(20 bytes without an end\)/)])
  })
})
