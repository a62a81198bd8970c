import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { linesOf } from '../../programs/fixtures/printed.ts'
import { busline, productRuns, type ProductRuns } from './fixtures/product-runs.ts'

const Row = z.looseObject({
  id: z.string(),
  type: z.string(),
  parent: z.string().nullable(),
  ms: z.number().nullable(),
  status: z.string(),
  criticalMs: z.number(),
})
const Record = z.looseObject({ kind: z.string(), type: z.string(), id: z.string().optional() })

let runs: ProductRuns
beforeAll(async () => {
  runs = await productRuns()
}, 120_000)

const toolCall = () =>
  linesOf(readFileSync(runs.first, 'utf8'))
    .map((line) => Record.parse(JSON.parse(line)))
    .find(({ kind, type }) => kind === 'command' && type === 'tool.call')?.id ?? ''

describe.concurrent('where time went, and why something happened', { timeout: 120_000 }, () => {
  test('trace draws a turn with its three calls at once, its first chunks and its critical path', async () => {
    const { code, stdout } = await busline('trace', runs.first, '--turn', '3')
    expect(code).toBe(0)
    expect(stdout.match(/^ +tool\.call get_weather/gm)).toHaveLength(3)
    expect(stdout).toMatch(/model\.call gpt-4o-mini.*▼/)
  })

  test('trace tells programs each command; the critical path is as long as the turn', async () => {
    const { stdout } = await busline('trace', runs.first, '--turn', '3', '--json')
    const rows = linesOf(stdout).map((line) => Row.parse(JSON.parse(line)))
    expect(rows[0]).toMatchObject({ type: 'chat.runTurn', parent: null, status: 'ok' })
    const critical = rows.reduce((sum, { criticalMs }) => sum + criticalMs, 0)
    expect(critical).toBeCloseTo(rows[0]?.ms ?? 0, 0)
  })

  test('trace draws a killed run up to its last line', async () => {
    const { code, stdout } = await busline('trace', runs.killed)
    expect(code).toBe(0)
    expect(stdout).toMatch(/chat\.runTurn +interrupted/)
  })

  test('why tells the turn that a tool call belongs to, and the model call that asked for it', async () => {
    const { code, stdout } = await busline('why', toolCall(), runs.first)
    expect(code).toBe(0)
    expect(stdout).toMatch(/chat\.runTurn[^]*tool\.call get_weather[^]*asked for by model\.call/)
  })

  test('why tells of an event in a bus without an engine; an unknown id is exit code 2', async () => {
    const [known, unknown] = await Promise.all([
      busline('why', 'line:3', runs.custom, '--json'),
      busline('why', 'zzzz-1', runs.custom),
    ])
    expect(linesOf(known.stdout).map((line) => JSON.parse(line).type)).toEqual([
      'people.greet',
      'people.greeted',
    ])
    expect([unknown.code, unknown.stdout]).toEqual([2, ''])
  })
})
