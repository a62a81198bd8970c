import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from 'busline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { diff } from '../../programs/busline/diff.ts'
import { TOOLS } from '../../programs/function-chat/chat-app.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand, type Ran } from './fixtures/run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-diff-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const first = join(folder, 'first.jsonl')
const second = join(folder, 'second.jsonl')

const Line = z.looseObject({ record: z.string() })

const busline = (...argv: string[]): Promise<Ran> => runCommand(diff, argv)

async function record(journal: string, ...texts: string[]): Promise<void> {
  const app = createApp({ offline: true, tools: TOOLS, journal })
  for (const text of texts) await app.chat().send(text)
  await app.stop()
}

beforeAll(async () => {
  await record(first, 'Hello', '24*7?')
  await record(second, 'Hello', '24*8?')
})

describe.concurrent('busline diff', () => {
  test('tells that a run is the same as itself', async () => {
    const finished = await busline(first, first)
    expect(finished).toMatchObject({ code: 0, stderr: '' })
    expect(finished.stdout).toMatch(/The same: \d+ messages\./)
  })

  test('tells first where two runs part, then what differs by turn, then what each took', async () => {
    const { code, stdout } = await busline(first, second)
    expect(code).toBe(1)
    const parts = stdout.indexOf('First difference: turn 2, line')
    const turns = stdout.indexOf('\nturn ')
    const totals = stdout.indexOf('\ntotal ')
    expect([parts > 0, turns > parts, totals > turns]).toEqual([true, true, true])
    expect(stdout).toMatch(/command chat\.runTurn differs at data\.text\n {2}A +"24\*7\?"\n {2}B +"24\*8\?"/)
    expect(stdout).not.toContain('\u001b')
  })

  test('takes a turn that neither run has for a mistake', async () => {
    expect(await busline(first, second, '--turn', '9')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'There is no turn 9: the runs have 2.\n',
    })
  })

  test('prints for programs one object a line, every key there', async () => {
    const { stdout } = await busline(first, second, '--json', '--turn', '2', '--only', 'tools')
    const lines = linesOf(stdout).map((line) => Line.parse(JSON.parse(line)))
    expect(lines.map(({ record }) => record)).toEqual(
      expect.arrayContaining(['first', 'difference', 'turn', 'model', 'tool', 'total']),
    )
    expect(lines[0]).toMatchObject({
      record: 'first',
      state: 'changed',
      type: 'tool.call',
      name: 'calculate',
      turn: 2,
      path: 'data.arguments.expression',
      valueA: '24*7',
      valueB: '24*8',
    })
    const none = await busline(first, first, '--json')
    expect(JSON.parse(linesOf(none.stdout)[0] ?? '')).toEqual({
      record: 'first',
      a: null,
      b: null,
      kind: null,
      type: null,
      name: null,
      turn: null,
      state: null,
      path: null,
      valueA: null,
      valueB: null,
    })
  })

  test('passes over what may differ', async () => {
    const file = join(folder, 'edited.jsonl')
    writeFileSync(file, readFileSync(first, 'utf8').replaceAll('"by":"openai"', '"by":"another"'))
    expect(await busline(first, file)).toMatchObject({ code: 1 })
    expect(await busline(first, file, '--ignore', 'model.call:by')).toMatchObject({ code: 0 })
  })

  test('sends nothing from a record to the terminal that could move it', async () => {
    const file = join(folder, 'hostile.jsonl')
    writeFileSync(file, readFileSync(first, 'utf8').replaceAll('"24*7?"', String.raw`"\u001b[2J24*7?"`))
    const { stdout } = await busline(first, file)
    expect(stdout).toContain('[2J24*7?')
    expect(stdout).not.toContain('\u001b')
  })

  test.each([
    [['@latest'], 'two runs'],
    [['-', '-'], 'Only one'],
    [['a.jsonl', 'b.jsonl', '--turn', '0'], '--turn'],
    [['a.jsonl', 'b.jsonl', '--only', 'dreams'], '--only'],
    [[first, second, '--ignore', 'x..y'], '--ignore'],
  ])('refuses %j', async (args, why) => {
    const finished = await busline(...args)
    expect(finished).toMatchObject({ code: 2, stdout: '' })
    expect(finished.stderr).toContain(why)
  })

  test('names the file that is not there, and the line that is damaged', async () => {
    expect(await busline(first, join(folder, 'no.jsonl'))).toMatchObject({
      code: 4,
      stdout: '',
    })
    const file = join(folder, 'damaged.jsonl')
    writeFileSync(file, `${readFileSync(first, 'utf8').split('\n').slice(0, 3).join('\n')}\n{"seq":\n`)
    const finished = await busline(first, file)
    expect(finished).toMatchObject({ code: 3, stdout: '' })
    expect(finished.stderr).toContain('Line 4')
  })
})
