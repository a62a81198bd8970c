import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readJournal, type JournalRecord } from 'busline/journal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { Command } from '../../programs/busline/command.ts'
import { diff } from '../../programs/busline/diff.ts'
import { exportCommand } from '../../programs/busline/export.ts'
import { fork } from '../../programs/busline/fork.ts'
import { reprice } from '../../programs/busline/reprice.ts'
import { runs } from '../../programs/busline/runs.ts'
import { search } from '../../programs/busline/search.ts'
import { show } from '../../programs/busline/show.ts'
import { stats } from '../../programs/busline/stats.ts'
import { tail } from '../../programs/busline/tail.ts'
import { trace } from '../../programs/busline/trace.ts'
import { verify } from '../../programs/busline/verify.ts'
import { why } from '../../programs/busline/why.ts'
import { linesOf } from './fixtures/printed.ts'
import { writeKeptRun } from './fixtures/rotated-run.ts'
import { runCommand } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-kept-'))
const prices = join(folder, 'prices.json')
let path = ''
let records: JournalRecord[] = []
afterAll(() => rmSync(folder, { recursive: true, force: true }))

beforeAll(async () => {
  path = await writeKeptRun(join(folder, 'kept'))
  records = await recordsOf(path)
  const models = [{ match: 'gpt-4o', input: 1, output: 2 }]
  writeFileSync(prices, JSON.stringify({ asOf: '2026-01-01', currency: 'USD', per: 1_000_000, models }))
})

async function recordsOf(journal: string): Promise<JournalRecord[]> {
  const all: JournalRecord[] = []
  for await (const record of readJournal(journal)) all.push(record)
  return all
}

/** The number of a line: of the whole run, whatever of it is still there. */
const lineOf = ({ seq }: JournalRecord): number => seq + 1

const commandsOf = (type: string): JournalRecord[] =>
  records.filter((record) => record.kind === 'command' && record.type === type)

async function printed(command: Command, ...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, argv)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return stdout
}

const Line = z.looseObject({ line: z.number() })

/** The line numbers in what a command printed as JSON, those of nested values as asked. */
async function linesIn(command: Command, ...argv: string[]): Promise<number[]> {
  const objects = linesOf(await printed(command, ...argv)).map((line): unknown => JSON.parse(line))
  return objects.flatMap((object) => Line.safeParse(object).data?.line ?? [])
}

describe('of a run whose first segments were deleted, a line has the number of its seq', () => {
  test('which begins late', () => {
    expect(records[0]).toMatchObject({ kind: 'header' })
    expect(records[0]?.seq).toBeGreaterThan(20)
  })

  test('show --events, search, tail, csv of records', async () => {
    const all = records.map(lineOf)
    expect(await linesIn(show, path, '--events', '--all', '--json')).toEqual(all)
    expect(await linesIn(tail, path, '--no-follow', '-n', '5', '--json')).toEqual(all.slice(-5))
    expect(await linesIn(search, '--json', 'kind:command', path)).toEqual(
      records.filter(({ kind }) => kind === 'command').map(lineOf),
    )
    const table = await printed(exportCommand, path, '--format', 'csv')
    const rows = table.split('\n').slice(1, -1)
    expect(rows.map((row) => Number(row.split(',')[0]))).toEqual(all)
  })

  test('turns: show, stats, markdown', async () => {
    const begun = commandsOf('chat.runTurn').map(lineOf)
    expect(await linesIn(show, path, '--all', '--json')).toEqual(begun)
    expect(await linesIn(stats, path, '--by', 'turn', '--json')).toEqual(begun)
    for (const line of begun) expect(await printed(exportCommand, path)).toContain(`, line ${line}, `)
  })

  test('calls: reprice, trace, why', async () => {
    const asked = commandsOf('model.call')
    const answered = records.filter(({ kind, type }) => kind === 'result' && type === 'model.call')
    expect(await linesIn(reprice, path, '--json', '--prices', prices)).toEqual(answered.map(lineOf))
    for (const record of asked) {
      const told = await printed(why, record.id ?? '', path, '--json')
      expect(told).toContain(`"line":${lineOf(record)},`)
      expect(await printed(why, String(lineOf(record)), path, '--json')).toBe(told)
    }
    expect(await printed(trace, path, '--all', '--json')).toContain(asked.at(-1)?.id)
  })

  test('a fork ends with the line that was asked for', async () => {
    for (const record of [records[0], records[1], commandsOf('tool.call').at(-1), records.at(-1)]) {
      if (!record) throw new Error('There is no such line.')
      const to = join(folder, `fork-${record.seq}.jsonl`)
      await printed(fork, path, '--at', String(lineOf(record)), '--to', to, '--open', 'keep')
      const copied = await recordsOf(to)
      expect(copied[records.indexOf(record)]).toMatchObject({ seq: record.seq, kind: record.kind })
      if (record.kind !== 'header') expect(copied[records.indexOf(record)]).toEqual(record)
      await printed(verify, to)
      expect(await linesIn(show, to, '--events', '--all', '--json')).toEqual(copied.map(lineOf))
    }
  })

  test('runs tells how many lines there are', async () => {
    const rows = linesOf(await printed(runs, join(path, '..'), '--json')).map((row): unknown =>
      JSON.parse(row),
    )
    expect(rows).toMatchObject([{ lines: records.length }])
  })

  test('diff', async () => {
    const to = join(folder, 'changed.jsonl')
    const [call] = commandsOf('tool.call')
    if (!call) throw new Error('There is no call.')
    await printed(fork, path, '--at', String(lineOf(call)), '--to', to, '--set', 'data.arguments.n=7')
    const { stdout } = await runCommand(diff, [path, to, '--json'])
    expect(JSON.parse(linesOf(stdout)[0] ?? '')).toMatchObject({ a: lineOf(call), b: lineOf(call) })
  })

  test('verify', async () => {
    const findings = linesOf(await printed(verify, path, '--json')).map((line): unknown => JSON.parse(line))
    expect(findings).toContainEqual(
      expect.objectContaining({ about: 'pruned', line: (records[0]?.seq ?? 0) + 1 }),
    )
  })

  test('and one that is not there is told with those that are', async () => {
    const range = `lines ${lineOf(records[0] ?? { seq: 0, time: 0, kind: '', type: '' })} to ${(records.at(-1)?.seq ?? 0) + 1}`
    for (const place of ['3', '9999']) {
      for (const [command, ...argv] of [[fork, path, '--at', place] as const, [why, place, path] as const]) {
        const { code, stderr } = await runCommand(command, argv)
        expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(range) })
      }
    }
  })
})
