import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, defineTool, scriptedProvider } from 'busline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { Command } from '../../programs/busline/command.ts'
import { diff } from '../../programs/busline/diff.ts'
import { exportCommand } from '../../programs/busline/export.ts'
import { fork } from '../../programs/busline/fork.ts'
import { replay } from '../../programs/busline/replay.ts'
import { reprice } from '../../programs/busline/reprice.ts'
import { runs } from '../../programs/busline/runs.ts'
import { search } from '../../programs/busline/search.ts'
import { sessions } from '../../programs/busline/sessions.ts'
import { show } from '../../programs/busline/show.ts'
import { stats } from '../../programs/busline/stats.ts'
import { tail } from '../../programs/busline/tail.ts'
import { test as testCommand } from '../../programs/busline/test.ts'
import { trace } from '../../programs/busline/trace.ts'
import { why } from '../../programs/busline/why.ts'
import { openConversation } from '../../programs/function-chat/conversation.ts'
import { EXIT, exitCodeFor } from '../../programs/function-chat/exit-codes.ts'
import { parseOptions } from '../../programs/function-chat/options.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-advice-'))
const logs = join(folder, 'logs')
const journal = join(logs, 'a-run-with-quite-a-long-name-20261121T090000.jsonl')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const usage = { inputTokens: 1000, outputTokens: 500, totalTokens: 1500 }

beforeAll(async () => {
  const weather = defineTool({
    name: 'get_weather',
    description: 'The weather.',
    parameters: z.object({ city: z.string() }),
    run: () => 'sun',
  })
  const provider = scriptedProvider([
    { text: 'I look.', toolCalls: [{ name: 'get_weather', arguments: { city: 'Paris' } }], usage },
    { text: 'Sunny.', usage },
  ])
  await using app = createApp({ provider, tools: [weather], journal })
  await app.chat('s1').send('Paris?')
})

const prices = join(folder, 'prices.json')
const priceTable = (models: object[]): string =>
  JSON.stringify({ asOf: '2026-11-01', currency: 'USD', per: 1000, models })

/** Commands by what they take before and after the run. */
const READERS: [string, Command, string[], string[]][] = [
  ['show', show, [], []],
  ['show --events', show, [], ['--events']],
  ['tail', tail, [], ['--no-follow']],
  ['stats', stats, [], []],
  ['search', search, ['x'], []],
  ['trace', trace, [], []],
  ['why', why, ['1'], []],
  ['diff', diff, [journal], []],
  ['export', exportCommand, [], []],
  ['export --turn', exportCommand, [], ['--turn', '1']],
  ['reprice', reprice, [], ['--prices', prices]],
  ['sessions rebuild', sessions, ['rebuild'], ['--sessions-dir', join(folder, 'rebuilt')]],
  ['replay', replay, [], []],
  ['fork', fork, [], ['--at', '3']],
  ['test add', testCommand, ['add'], ['--dir', join(folder, 'kept')]],
]

describe.each(READERS)('busline %s', (name, command, before, behind) => {
  beforeAll(() => writeFileSync(prices, priceTable([])))

  test.each([
    ['', 'empty'],
    ['torn', 'torn'],
  ])('says of a file with %j that it is no journal', async (text, file) => {
    const path = join(folder, `${file}.jsonl`)
    writeFileSync(path, text)
    expect(await runCommand(command, [...before, path, ...behind])).toEqual({
      code: 3,
      stdout: '',
      stderr: `${path} is no journal: it holds not a single record.\n`,
    })
    expect(existsSync(join(folder, 'kept'))).toBe(false)
  })

  test('takes a folder for no journal, and an empty name for none at all', async () => {
    expect(await runCommand(command, [...before, folder, ...behind])).toEqual({
      code: 4,
      stdout: '',
      stderr: `The journal ${folder} can't be read: it is a folder.\n`,
    })
    expect(await runCommand(command, [...before, '', ...behind])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'The name of a run must not be empty; @latest is the last one.\n',
    })
  })

  test('names --log-dir where there is no folder of journals', async () => {
    const none = join(folder, 'none')
    const run = name === 'diff' ? [journal, '@latest'] : before
    const { code, stderr } = await runCommand(command, [...run, ...behind, '--log-dir', none])
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `There is no run @latest: there is no folder ${none}. --log-dir names another folder.\n`,
    })
  })
})

test('a list of runs tells a folder that is not there from one without runs', async () => {
  const none = join(folder, 'none')
  expect(await runCommand(runs, ['--log-dir', none])).toEqual({
    code: 2,
    stdout: '',
    stderr: `There is no folder ${none}. --log-dir names another.\n`,
  })
  const empty = join(folder, 'nothing')
  mkdirSync(empty)
  expect(await runCommand(runs, [empty])).toMatchObject({ code: 0, stdout: `No runs in ${empty}.\n` })
})

describe('what is said of an option without its value', () => {
  test('is true of a short one: the value stands behind it', async () => {
    expect((await runCommand(show, ['-n', '-1'])).stderr).toContain(' is written -nVALUE, without a space.')
    expect((await runCommand(show, ['-n1', journal])).code).toBe(0)
    expect((await runCommand(show, ['-n-1'])).stderr).toContain('whole number from 1, not "-1"')
  })

  test('is true of a long one: the value stands behind an equals sign', async () => {
    expect((await runCommand(show, ['--turn', '-1'])).stderr).toContain(' is written --turn=VALUE.')
    expect((await runCommand(show, [journal, '--turn=-1'])).code).toBe(0)
  })
})

describe('a turn of an app that leaves the model to its defaults', () => {
  test('is shown with the model that its price is of, and what it said in words', async () => {
    const { stdout } = await runCommand(show, [journal])
    expect(stdout).toMatch(
      /model\.call .* ok {2}gpt-4o-mini → I look\.; calls get_weather\(…\) \(tool_calls\)/,
    )
    expect(stdout).toMatch(/model\.call .* ok {2}gpt-4o-mini → Sunny\. \(stop\)/)
    expect((await runCommand(stats, [journal])).stdout).toMatch(/^gpt-4o-mini +2 +2 +0 /m)
  })

  test('is shown as not named where neither the request nor the answer names it', async () => {
    const nameless = join(folder, 'nameless.jsonl')
    writeFileSync(nameless, readFileSync(journal, 'utf8').replaceAll('"model":"gpt-4o-mini"', '"model":null'))
    const { stdout } = await runCommand(show, [nameless])
    expect(stdout).toMatch(/model\.call .* ok {2}\(not named\) → Sunny\. \(stop\)/)
  })

  test('can be priced again, and what has no price is told why', async () => {
    writeFileSync(prices, priceTable([{ match: 'gpt-4o*', input: 1, output: 2 }]))
    const priced = await runCommand(reprice, [journal, '--prices', prices])
    expect(priced).toMatchObject({ code: 0, stderr: '' })
    expect(priced.stdout).toMatch(/^gpt-4o-mini +2 .* \$4/m)

    writeFileSync(prices, priceTable([{ match: 'other', input: 1, output: 2 }]))
    expect((await runCommand(reprice, [journal, '--prices', prices])).stderr).toMatch(
      /^Not known: \S+ has no price of gpt-4o-mini \(2 calls\)\.\n$/,
    )
    const untold = join(folder, 'untold.jsonl')
    writeFileSync(untold, readFileSync(journal, 'utf8').replaceAll(/"usage":\{[^}]*\}/g, '"usage":null'))
    expect((await runCommand(reprice, [untold, '--prices', prices])).stderr).toBe(
      'Not known: the answers of gpt-4o-mini (2 calls) tell no usage.\n',
    )
    writeFileSync(prices, '{"asOf":"soon"}')
    const { code, stderr } = await runCommand(reprice, [journal, '--prices', prices])
    expect(code).toBe(2)
    expect(stderr).toMatch(/prices\.json is no price table: asOf: .*busline reprice --help shows one\.\n$/)
  })
})

test('the header of a fork is shown in words', async () => {
  const path = join(folder, 'fork.jsonl')
  const parent = { run: 'abc', seq: 7, file: 'a.jsonl', time: 0 }
  const header = {
    v: 1,
    seq: 0,
    time: 0,
    kind: 'header',
    type: 'busline.journal',
    data: { run: 'r', parent },
  }
  const turn = { seq: 1, time: 1, kind: 'command', type: 'chat.runTurn', id: 'r-1', turn: 'r-1', root: 'r-1' }
  writeFileSync(path, `${JSON.stringify(header)}\n${JSON.stringify({ ...turn, data: { text: 'Hi' } })}\n`)
  expect((await runCommand(show, [path])).stdout).toContain(
    'run r, parent (run abc, seq 7, file a.jsonl, at 1970-01-01T00:00:00.000Z)\n',
  )
})

describe.each<[string, Command, string[]]>([
  ['runs', runs, [logs]],
  ['stats', stats, [journal]],
  ['stats --by turn', stats, [journal, '--by', 'turn']],
])('the tables of %s', (_name, command, argv) => {
  test.each([80, 120])('fit a terminal of %d columns', async (width) => {
    const { stdout } = await runCommand(command, argv, { width })
    const tables = linesOf(stdout).filter((line) => !line.startsWith('  '))
    expect(Math.max(...tables.map((line) => line.length))).toBeLessThanOrEqual(width)
    const whole = await runCommand(command, argv)
    expect(whole.stdout.length).toBeGreaterThanOrEqual(stdout.length)
  })
})

describe.each<[string, Command, string[]]>([
  ['show --events', show, [journal, '--events']],
  ['tail', tail, [journal, '--no-follow', '-n', '99']],
])('each message of %s', (_name, command, argv) => {
  test.each([80, 120, 142])('is one line of a terminal of %d columns', async (width) => {
    const lines = linesOf((await runCommand(command, argv, { width })).stdout)
    expect(lines.length).toBeGreaterThan(20)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width)
    expect(lines.join('\n')).toMatch(/tool\.call .*get_weather/)
  })
})

test.each([
  ['can be nowhere', 'nope', false],
  ['is not there', 'nope', true],
  ['can not be', '../nope', true],
])('a chat with a session that %s leaves nothing behind', async (_what, session, hasSessions) => {
  const empty = mkdtempSync(join(folder, 'bare-'))
  const dirs = ['--log-dir', join(empty, 'logs'), '--sessions-dir', join(empty, 'sessions')]
  if (hasSessions) mkdirSync(join(empty, 'sessions'))
  const before = readdirSync(empty, { recursive: true })
  const options = parseOptions(['--session', session, '--offline', ...dirs], {})
  const failure: unknown = await openConversation(options, { write: () => undefined }).catch(
    (error: unknown) => error,
  )
  expect(exitCodeFor(failure)).toBe(EXIT.usage)
  expect(readdirSync(empty, { recursive: true })).toEqual(before)
})
