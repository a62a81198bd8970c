import {
  appendFileSync,
  copyFileSync,
  existsSync,
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
import { reprice } from '../../programs/busline/reprice.ts'
import { sessions } from '../../programs/busline/sessions.ts'
import { TOOLS } from '../../programs/function-chat/conversation.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand, type Ran } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-fork-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const stored = join(folder, 'sessions')
const journal = join(folder, 'run.jsonl')
const session = 'trip'
let records: Record<string, unknown>[] = []

const COMMANDS = { fork, reprice, sessions }
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
  test('makes a journal and sessions beside the run, says how to go on, and chat goes on there', async () => {
    const at = line('result', 'tool.call')
    const { code, stdout, stderr } = await busline('fork', journal, '--at', String(at))
    const stem = journal.replace('.jsonl', `.fork-${at}`)
    expect(stdout).toBe(`${stem}.jsonl\n`)
    expect(stderr).toContain(`busline chat --session ${session} --sessions-dir ${stem}-sessions`)
    expect(stderr).toContain('Cancelled what was open: ')
    expect(code).toBe(0)
    await using app = createApp({ offline: true, tools: TOOLS, sessions: `${stem}-sessions` })
    expect(await app.chat(session).send('24*7?')).toMatchObject({ reply: '24*7 = 168.' })
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
    expect(stderr).toContain('get_weather')
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
    expect(late.stderr).toContain(`--sessions-dir '${folder}/it is torn.fork-${records.length}-sessions'`)
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
