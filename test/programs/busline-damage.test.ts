import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Command } from '../../programs/busline/command.ts'
import { exportCommand } from '../../programs/busline/export.ts'
import { search } from '../../programs/busline/search.ts'
import { show } from '../../programs/busline/show.ts'
import { stats } from '../../programs/busline/stats.ts'
import { trace } from '../../programs/busline/trace.ts'
import { why } from '../../programs/busline/why.ts'
import { linesOf } from './fixtures/printed.ts'
import { runCommand } from './fixtures/run-command.ts'
import { writeTwoTurnRun } from './fixtures/two-turn-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-damage-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const file = (name: string): string => join(folder, `${name}.jsonl`)
let lines: string[] = []
let secondTurn = 0

beforeAll(async () => {
  lines = linesOf(readFileSync(await writeTwoTurnRun(folder, 'whole'), 'utf8'))
  const other = linesOf(readFileSync(await writeTwoTurnRun(folder, 'other'), 'utf8'))
  secondTurn = lines.findLastIndex((line) => line.includes('"type":"chat.runTurn","id"'))
  const inside = secondTurn + 2
  const damages: Record<string, string[]> = {
    headless: lines.slice(5),
    gap: lines.toSpliced(inside, 1),
    badseq: lines.with(inside, (lines[inside] ?? '').replace(/"seq":\d+/, '"seq":"x"')),
    nullline: lines.with(inside, 'null'),
    two: [...lines, ...other],
    bom: lines.with(0, `\ufeff${lines[0]}`),
    cut: lines.with(inside, (lines[inside] ?? '').slice(0, -20)),
    garbled: lines.with(inside, (lines[inside] ?? '').replace(/"(data|output)":/, '"$1":{')),
  }
  for (const [name, damaged] of Object.entries(damages))
    writeFileSync(file(name), damaged.map((line) => `${line}\n`).join(''))
})

const READERS: [string, Command, (run: string) => string[]][] = [
  ['show', show, (run) => [run]],
  ['show --turn', show, (run) => [run, '--turn', '1']],
  ['show --events --turn', show, (run) => [run, '--events', '--turn', '1']],
  ['trace', trace, (run) => [run]],
  ['trace --turn', trace, (run) => [run, '--turn', '1']],
  ['trace --all', trace, (run) => [run, '--all']],
  ['search', search, (run) => ['Rome', run]],
  ['search by type', search, (run) => ['type:tool.call', run]],
  ['why', why, (run) => ['1', run]],
  ['export', exportCommand, (run) => [run, '--format', 'csv']],
]

describe.each(READERS)('busline %s', (_name, command, argv) => {
  test.each(['headless', 'gap', 'badseq', 'nullline', 'two', 'bom', 'cut', 'garbled'])(
    'says of a damaged file (%s) what all others say',
    async (name) => {
      const { code, stderr } = await runCommand(stats, [file(name)])
      expect({ code, stderr }).toEqual({
        code: 3,
        stderr: expect.stringMatching(/^Line \d+ of .* is damaged/),
      })
      expect(await runCommand(command, argv(file(name)))).toMatchObject({ code, stderr })
    },
  )
})

test.each<[string, Command, (run: string) => string[]]>([
  ['show --turn', show, (run) => [run, '--turn', '1']],
  ['trace --turn', trace, (run) => [run, '--turn', '1', '--json']],
  ['search', search, (run) => ['Rome', run]],
])('busline %s shows what stands before the damage', async (_name, command, argv) => {
  const whole = await runCommand(command, argv(file('whole')))
  expect(whole.stdout).not.toBe('')
  expect(await runCommand(command, argv(file('gap')))).toMatchObject({ code: 3, stdout: whole.stdout })
})

test('a turn alone is shown without the lines of others, also of a run that another program wrote', async () => {
  const spaced = file('spaced')
  writeFileSync(
    spaced,
    lines.map((line) => `${JSON.stringify(JSON.parse(line), null, 1).replaceAll(/\n */g, ' ')}\n`).join(''),
  )
  for (const path of [file('whole'), spaced]) {
    const { stdout } = await runCommand(show, [path, '--turn', '2', '--json'])
    expect(linesOf(stdout)).toEqual([expect.stringContaining('"text":"Good evening"')])
  }
})

test('a trace of a run that holds nothing yet says so', async () => {
  writeFileSync(file('header'), `${lines[0]}\n`)
  expect(await runCommand(trace, [file('header')])).toEqual({
    code: 2,
    stdout: '',
    stderr: 'There is no command in header, so nothing to draw.\n',
  })
})
