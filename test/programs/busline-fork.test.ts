import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from 'busline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { fork } from '../../programs/busline/fork.ts'
import { prune } from '../../programs/busline/prune.ts'
import { reprice } from '../../programs/busline/reprice.ts'
import { runs } from '../../programs/busline/runs.ts'
import { sessions } from '../../programs/busline/sessions.ts'
import { TOOLS } from '../../programs/function-chat/chat-app.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand, type Ran } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-fork-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const stored = join(folder, 'sessions')
const journal = join(folder, 'run.jsonl')
const session = 'trip'
let records: Record<string, unknown>[] = []

const COMMANDS = { fork, prune, reprice, runs, sessions }
const busline = (name: keyof typeof COMMANDS, ...argv: string[]): Promise<Ran> =>
  runCommand(COMMANDS[name], argv)

const Record = z.record(z.string(), z.unknown())

beforeAll(async () => {
  await using app = createApp({
    offline: true,
    tools: TOOLS,
    model: 'gpt-4o-mini',
    sessions: stored,
    journal,
  })
  for (const text of ['Weather in Paris and Rome?', 'And 24*7?']) await app.chat(session).send(text)
  await app.stop()
  records = linesOf(readFileSync(journal, 'utf8')).map((line) => Record.parse(JSON.parse(line)))
})

/** The line of the first record of a kind and type. */
function line(kind: string, type: string): number {
  return records.findIndex((record) => record['kind'] === kind && record['type'] === type) + 1
}

function parsed(text: string): Record<string, unknown> {
  return Record.parse(JSON.parse(text))
}

describe.concurrent('busline fork', () => {
  test('makes a journal and sessions in forks/ beside the run, says how to go on, and chat goes on there', async () => {
    const at = line('result', 'tool.call')
    const { code, stdout, stderr } = await busline('fork', journal, '--at', String(at))
    const stem = join(folder, 'forks', `run.fork-${at}`)
    expect(stdout).toBe(`${stem}.jsonl\n`)
    expect(stderr).toContain(`busline chat --session ${session} --sessions-dir ${stem}-sessions`)
    expect(stderr).toContain('Cancelled what was open: ')
    expect(code).toBe(0)
    await using app = createApp({ offline: true, tools: TOOLS, sessions: `${stem}-sessions` })
    expect(await app.chat(session).send('24*7?')).toMatchObject({ reply: '24*7 = 168.' })
  })

  test('a fork is no run of its folder: @latest twice forks the same run, prune and runs see that one', async () => {
    const logs = join(folder, 'logs')
    mkdirSync(logs)
    copyFileSync(journal, join(logs, 'only.jsonl'))
    const again = () => busline('fork', '@latest', '--log-dir', logs, '--at', '2')
    const first = await again()
    const second = await again()
    const whole = await busline('fork', '--log-dir', logs, '--run', '--offline', '--json')
    expect(first.stdout).toBe(`${join(logs, 'forks', 'only.fork-2.jsonl')}\n`)
    expect(second.stdout).toBe(`${join(logs, 'forks', 'only.fork-2-2.jsonl')}\n`)
    expect(parsed(whole.stdout)['path']).toMatch(/logs\/forks\/only\.fork-\d+\.jsonl$/)
    const pruned = await busline('prune', logs, '--keep', '1', '--json')
    expect(parsed(pruned.stdout.split('\n')[1] ?? '')).toMatchObject({ runs: 0, kept: 1 })
    expect(linesOf((await busline('runs', logs, '--json')).stdout)).toHaveLength(1)
    const forksGone = await busline('prune', join(logs, 'forks'), '--keep', '0')
    expect(forksGone.stderr).toMatch(/^Sessions stay, to be deleted by hand: \S+only\.fork-\d+-sessions/)
    expect(forksGone.stderr).toContain('Deleted 3 runs')
    // A place whose sessions are still there is not taken again.
    const { stdout } = await busline('fork', '@latest', '--log-dir', logs, '--run', '--offline', '--json')
    expect(parsed(stdout)['path']).toMatch(/fork-\d+-2\.jsonl$/)
  })

  test('--json tells all in one object of stated keys; an id names a line', async () => {
    const at = line('command', 'tool.call')
    const { id } = records[at - 1] ?? {}
    const to = join(folder, 'json.jsonl')
    const set = ['--set', 'data.arguments.location=Oslo', '--model', 'other', '--open', 'keep']
    const { code, stdout } = await busline('fork', journal, '--at', String(id), '--to', to, ...set, '--json')
    const fork = parsed(stdout)
    expect(Object.keys(fork).toSorted()).toEqual(
      'at closed lines open parent path refused run sessions sessionsDir waiting'.split(' ').toSorted(),
    )
    expect(fork).toMatchObject({ path: to, at, sessions: [session], closed: [] })
    const file = readFileSync(join(folder, 'json-sessions', `${session}.json`), 'utf8')
    expect(parsed(file)).toMatchObject({ model: 'other', openTurn: records[at - 1]?.['turn'] })
    expect(file).toContain('Oslo')
    expect(code).toBe(0)
  })

  test('--run says the recorded turns again with another model, both ends side by side', async () => {
    const to = join(folder, 'whole.jsonl')
    const { code, stdout } = await busline(
      'fork',
      journal,
      '--run',
      '--offline',
      '--model',
      'other',
      '--to',
      to,
      '--json',
    )
    const { turns, answered } = parsed(stdout)
    expect(turns).toMatchObject([
      { input: { text: 'Weather in Paris and Rome?' }, fork: { status: 'ok', model: 'other' } },
      { parent: { reply: '24*7 = 168.' }, fork: { reply: '24*7 = 168.', model: 'other' } },
    ])
    expect(answered).toEqual({ recorded: 3, live: 0, stubbed: 0 })
    expect(code).toBe(0)
  })

  test('--run in text shows what was and what is', async () => {
    const at = String(line('result', 'tool.call'))
    const to = join(folder, 'text.jsonl')
    const { stdout } = await busline(
      'fork',
      journal,
      '--run',
      '--offline',
      '--at',
      at,
      '--to',
      to,
      '--this-turn',
      '--set',
      'output.temperature=-40',
    )
    expect(stdout).toMatch(/^ {2}was {3}/m)
    expect(stdout).toMatch(/^ {2}is {4}.*-40 °C/m)
  })

  test('--run exits with 5 at a call that the record does not hold, and names it', async () => {
    const at = String(line('command', 'tool.call'))
    const to = join(folder, 'stop.jsonl')
    const { code, stdout, stderr } = await busline(
      'fork',
      journal,
      '--run',
      '--offline',
      '--at',
      at,
      '--to',
      to,
      '--set',
      'data.arguments.location=Oslo',
    )
    expect(stderr).toContain('does not answer: get_weather\n  {"location":"Oslo","unit":"celsius"}\n')
    expect(stderr).toContain(`The fork is in ${to}, `)
    for (const how of ['live', 'stub', 'record']) expect(stderr).toContain(`--tools ${how} `)
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
  })

  test('says what the fork of a torn run lacks, and what of its sessions is to be known', async () => {
    const path = join(folder, 'it is torn.jsonl')
    copyFileSync(journal, path)
    appendFileSync(path, '{"seq":99,')
    const early = await busline('fork', path, '--at', '2', '--model', 'other')
    expect(early.stderr).toContain('ends in 10 bytes that are no line')
    expect(early.stderr).toContain('No session was open there')
    const at = String(line('result', 'session.open'))
    const changed = await busline('fork', path, '--at', at, '--set', 'output.version=x')
    expect(changed.stderr).toContain(`Line ${at}, session.open: its result is no session`)
    const late = await busline('fork', path, '--at', String(records.length))
    expect(late.stderr).toContain(
      `--sessions-dir '${folder}/forks/it is torn.fork-${records.length}-sessions'`,
    )
    expect([early.code, changed.code, late.code]).toEqual([0, 0, 0])
  })

  test.each([
    ['fork', ['RUN'], '--at 16'],
    ['fork', ['RUN', '--at', 'nobody'], 'no message'],
    ['fork', ['RUN', '--at', '5', '--set', 'foo=1'], 'foo'],
    ['fork', ['RUN', '--at', '5', '--tools', 'live'], '--run'],
    ['fork', ['RUN', '--run', '--tools', 'some', '--offline'], '--tools'],
    ['reprice', ['RUN'], '--prices'],
  ] as const)('%s refuses %j with one line and 2', async (name, args, told) => {
    const { code, stdout, stderr } = await busline(
      name,
      ...args.map((arg) => (arg === 'RUN' ? journal : arg)),
    )
    expect({ code, stdout, lines: linesOf(stderr).length }).toEqual({ code: 2, stdout: '', lines: 1 })
    expect(stderr).toContain(told)
  })

  test('--help begins with what it does and ends with the exit codes', async () => {
    const { code, stdout } = await busline('fork', '--help')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Forks a run[\s\S]*Exit codes: 0 well/)
  })
})

describe.concurrent('busline reprice', () => {
  test('sums up by model what was and what would be, and tells each call as JSON', async () => {
    const prices = join(folder, 'prices.json')
    const models = [{ match: 'gpt-4o*', input: 1, output: 2 }]
    writeFileSync(prices, JSON.stringify({ asOf: '2026-11-01', currency: 'USD', per: 1000, models }))
    const text = await busline('reprice', journal, '--prices', prices)
    expect(linesOf(text.stdout)[0]).toMatch(/^model +calls +was +would be$/)
    const { stdout, code } = await busline('reprice', journal, '--prices', prices, '--json')
    const rows = linesOf(stdout).map(parsed)
    expect(rows.map(({ kind }) => kind)).toEqual('call call call call model turn turn total'.split(' '))
    expect(rows.at(-1)).toMatchObject({ calls: 4, oldCost: 0, newUnknown: 0 })
    expect(code).toBe(0)
  })

  test('says that a table is none', async () => {
    const { code, stderr } = await busline('reprice', journal, '--prices', journal)
    expect(stderr).toContain('no price table')
    expect(code).toBe(2)
    expect(await busline('reprice', journal, '--prices', 'missing.json')).toMatchObject({ code: 4 })
  })
})

describe.concurrent('busline sessions rebuild', () => {
  test('makes of the journal alone the file that the store had', async () => {
    const dir = join(folder, 'rebuilt')
    const { code, stdout } = await busline('sessions', 'rebuild', journal, '--sessions-dir', dir, '--json')
    expect(parsed(stdout)).toMatchObject({ id: session, written: 'written', turns: 2, error: null })
    const { updatedAt: rebuilt, ...rest } = parsed(readFileSync(join(dir, `${session}.json`), 'utf8'))
    const { updatedAt, ...before } = parsed(readFileSync(join(stored, `${session}.json`), 'utf8'))
    expect(rest).toEqual(before)
    expect(Math.abs(Number(rebuilt) - Number(updatedAt))).toBeLessThan(1000)
    expect(code).toBe(0)
  })

  test('does not write over another session unless it is forced', async () => {
    const dir = join(folder, 'there')
    await busline('sessions', 'rebuild', journal, '--sessions-dir', dir)
    const file = join(dir, `${session}.json`)
    const other = readFileSync(file, 'utf8').replace('"version": ', '"version": 1')
    writeFileSync(file, other)
    expect(await busline('sessions', 'rebuild', journal, '--sessions-dir', dir)).toMatchObject({
      code: 4,
    })
    expect(readFileSync(file, 'utf8')).toBe(other)
    const forced = await busline('sessions', 'rebuild', journal, '--sessions-dir', dir, '--force')
    expect(forced).toMatchObject({ code: 0 })
    expect(readFileSync(file, 'utf8')).not.toBe(other)
    expect(existsSync(join(dir, `${session}.lock`))).toBe(false)
  })
})
