import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { linesOf } from './fixtures/printed.ts'
import { WorkFolder } from './fixtures/work-folder.ts'

const folder = WorkFolder.forFile()
let journal = ''
let records: Record<string, unknown>[] = []
let session = ''

const Record = z.record(z.string(), z.unknown())

beforeAll(async () => {
  const finished = await folder.chat([
    '--offline',
    '--prompt',
    'Weather in Paris and Rome?',
    '--prompt',
    'And 24*7?',
  ])
  journal = folder.journalOf(finished)
  records = linesOf(readFileSync(journal, 'utf8')).map((line) => Record.parse(JSON.parse(line)))
  session = z.string().parse(records.find(({ type }) => type === 'chat.runTurn')?.['session'])
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
    const { code, stdout, stderr } = await folder.busline('fork', journal, '--at', String(at))
    const stem = journal.replace('.jsonl', `.fork-${at}`)
    expect(stdout).toBe(`${stem}.jsonl\n`)
    expect(stderr).toContain(`busline chat --session ${session} --sessions-dir ${stem}-sessions`)
    expect(stderr).toContain('Cancelled what was open: ')
    expect(code).toBe(0)
    const chat = ['chat', '--session', session, '--sessions-dir', `${stem}-sessions`]
    const on = await folder.busline(...chat, '--log-dir', join(folder.path, 'on'), '--prompt', '24*7?')
    expect(on).toMatchObject({ code: 0, stdout: '24*7 = 168.\n' })
  })

  test('--json tells all in one object of stated keys; an id names a line', async () => {
    const at = line('command', 'tool.call')
    const { id } = records[at - 1] ?? {}
    const to = join(folder.path, 'json.jsonl')
    const set = ['--set', 'data.arguments.location=Oslo', '--model', 'other', '--open', 'keep']
    const { code, stdout } = await folder.busline(
      'fork',
      journal,
      '--at',
      String(id),
      '--to',
      to,
      ...set,
      '--json',
    )
    const fork = parsed(stdout)
    expect(Object.keys(fork).toSorted()).toEqual(
      'at closed lines open parent path refused run sessions sessionsDir waiting'.split(' ').toSorted(),
    )
    expect(fork).toMatchObject({ path: to, at, sessions: [session], closed: [] })
    const file = readFileSync(join(folder.path, 'json-sessions', `${session}.json`), 'utf8')
    expect(parsed(file)).toMatchObject({ model: 'other', openTurn: records[at - 1]?.['turn'] })
    expect(file).toContain('Oslo')
    expect(code).toBe(0)
  })

  test('--run says the recorded turns again with another model, both ends side by side', async () => {
    const to = join(folder.path, 'run.jsonl')
    const { code, stdout } = await folder.busline(
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
    const to = join(folder.path, 'text.jsonl')
    const { stdout } = await folder.busline(
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
    const to = join(folder.path, 'stop.jsonl')
    const { code, stdout, stderr } = await folder.busline(
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

  test.each([
    [['fork', 'RUN']],
    [['fork', 'RUN', '--at', 'nobody']],
    [['fork', 'RUN', '--at', '5', '--set', 'foo=1']],
    [['fork', 'RUN', '--at', '5', '--tools', 'live']],
    [['fork', 'RUN', '--run', '--tools', 'some', '--offline']],
    [['reprice', 'RUN']],
  ])('refuses %j with one line and 2', async (args) => {
    const { code, stdout, stderr } = await folder.busline(
      ...args.map((arg) => (arg === 'RUN' ? journal : arg)),
    )
    expect({ code, stdout, lines: linesOf(stderr).length }).toEqual({ code: 2, stdout: '', lines: 1 })
  })

  test('--help begins with what it does and ends with the exit codes', async () => {
    const { code, stdout } = await folder.busline('fork', '--help')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Forks a run[\s\S]*Exit codes: 0 well/)
  })
})

describe.concurrent('busline reprice', () => {
  test('sums up by model what was and what would be, and tells each call as JSON', async () => {
    const prices = join(folder.path, 'prices.json')
    const models = [{ match: 'gpt-4o*', input: 1, output: 2 }]
    writeFileSync(prices, JSON.stringify({ asOf: '2026-11-01', currency: 'USD', per: 1000, models }))
    const text = await folder.busline('reprice', journal, '--prices', prices)
    expect(linesOf(text.stdout)[0]).toMatch(/^model +calls +was +would be$/)
    const { stdout, code } = await folder.busline('reprice', journal, '--prices', prices, '--json')
    const rows = linesOf(stdout).map(parsed)
    expect(rows.map(({ kind }) => kind)).toEqual('call call call call model turn turn total'.split(' '))
    expect(rows.at(-1)).toMatchObject({ calls: 4, oldCost: 0, newUnknown: 0 })
    expect(code).toBe(0)
  })

  test('says that a table is none', async () => {
    const { code, stderr } = await folder.busline('reprice', journal, '--prices', journal)
    expect(stderr).toContain('no price table')
    expect(code).toBe(2)
    expect(await folder.busline('reprice', journal, '--prices', 'missing.json')).toMatchObject({ code: 4 })
  })
})

describe.concurrent('busline sessions rebuild', () => {
  test('makes of the journal alone the file that the store had', async () => {
    const dir = join(folder.path, 'rebuilt')
    const { code, stdout } = await folder.busline(
      'sessions',
      'rebuild',
      journal,
      '--sessions-dir',
      dir,
      '--json',
    )
    expect(parsed(stdout)).toMatchObject({ id: session, written: 'written', turns: 2, error: null })
    const { updatedAt: rebuilt, ...rest } = parsed(readFileSync(join(dir, `${session}.json`), 'utf8'))
    const { updatedAt, ...kept } = parsed(readFileSync(join(folder.sessions, `${session}.json`), 'utf8'))
    expect(rest).toEqual(kept)
    expect(Math.abs(Number(rebuilt) - Number(updatedAt))).toBeLessThan(1000)
    expect(code).toBe(0)
  })

  test('does not write over another session unless it is forced', async () => {
    const dir = join(folder.path, 'there')
    await folder.busline('sessions', 'rebuild', journal, '--sessions-dir', dir)
    const file = join(dir, `${session}.json`)
    const other = readFileSync(file, 'utf8').replace('"version": ', '"version": 1')
    writeFileSync(file, other)
    expect(await folder.busline('sessions', 'rebuild', journal, '--sessions-dir', dir)).toMatchObject({
      code: 4,
    })
    expect(readFileSync(file, 'utf8')).toBe(other)
    const forced = await folder.busline('sessions', 'rebuild', journal, '--sessions-dir', dir, '--force')
    expect(forced).toMatchObject({ code: 0 })
    expect(readFileSync(file, 'utf8')).not.toBe(other)
    expect(existsSync(join(dir, `${session}.lock`))).toBe(false)
  })
})
