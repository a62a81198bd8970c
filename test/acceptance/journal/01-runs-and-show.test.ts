import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { linesOf } from '../../programs/fixtures/printed.ts'
import { busline, productRuns, PROMPTS, type ProductRuns } from './fixtures/product-runs.ts'

const Listed = z.looseObject({
  run: z.string(),
  file: z.string(),
  state: z.string(),
  turns: z.number().nullable(),
  lines: z.number().nullable(),
})
const Shown = z.looseObject({
  turn: z.string(),
  status: z.string(),
  text: z.string(),
  reply: z.string().nullable(),
  calls: z.array(z.looseObject({ type: z.string(), name: z.string().nullable() })),
})

let runs: ProductRuns
beforeAll(async () => {
  runs = await productRuns()
}, 120_000)

describe.concurrent('what ran, and what was said', { timeout: 120_000 }, () => {
  test('runs lists all of a folder, last written first', async () => {
    const { code, stdout } = await busline('runs', runs.logs, '--full', '--json')
    expect(code).toBe(0)
    const listed = linesOf(stdout).map((line) => Listed.parse(JSON.parse(line)))
    expect(listed).toHaveLength(3)
    const turns = (file: string) => listed.find((run) => join(run.file) === file)?.turns
    expect([runs.first, runs.again, runs.killed].map(turns)).toEqual([4, 1, 1])
  })

  test('show tells the conversation, a run named by the beginning of its file name', async () => {
    const name = runs.first.slice(runs.logs.length + 1, -'.jsonl'.length)
    const { code, stdout } = await busline('show', name, '--log-dir', runs.logs)
    expect(code).toBe(0)
    for (const text of PROMPTS) expect(stdout).toContain(text)
  })

  test('show tells each turn to programs, one alone where asked', async () => {
    const { stdout } = await busline('show', runs.first, '--turn', '3', '--json')
    const [turn, ...others] = linesOf(stdout).map((line) => Shown.parse(JSON.parse(line)))
    expect(others).toEqual([])
    expect(turn).toMatchObject({ status: 'ok', text: PROMPTS[2] })
    expect(turn?.calls.filter(({ name }) => name === 'get_weather')).toHaveLength(3)
  })

  test('show tells of a killed run what was heard, and that it has no end', async () => {
    const { code, stdout } = await busline('show', runs.killed, '--json')
    expect(code).toBe(0)
    expect(linesOf(stdout).map((line) => Shown.parse(JSON.parse(line)))).toMatchObject([
      { status: 'interrupted', reply: 'Once upon a time' },
    ])
  })

  test('show tells every message of a bus without an engine', async () => {
    const { code, stdout } = await busline('show', runs.custom)
    expect(code).toBe(0)
    expect(stdout).toMatch(/people\.greet\b[^]*people\.greeted/)
  })

  test('a run that there is not is told with exit code 2', async () => {
    const { code, stdout, stderr } = await busline('show', 'nosuchrun', '--log-dir', runs.logs)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('nosuchrun')
  })
})
