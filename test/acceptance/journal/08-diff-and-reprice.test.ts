import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { linesOf } from '../../programs/fixtures/printed.ts'
import { busline, copyOf, productRuns, type ProductRuns } from './fixtures/product-runs.ts'

let runs: ProductRuns
beforeAll(async () => {
  runs = await productRuns()
}, 120_000)

describe.concurrent('comparing runs', { timeout: 120_000 }, () => {
  test('a run does not differ from itself', async () => {
    const { code, stdout } = await busline('diff', runs.first, runs.first, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(linesOf(stdout)[0] ?? '')).toMatchObject({ record: 'first', path: null })
    expect(stdout).not.toContain('"record":"difference"')
  })

  test('one value that differs is the first difference, with its line, path and both values', async () => {
    const changed = copyOf(runs.first)
    const lines = linesOf(readFileSync(changed, 'utf8'))
    const place = lines.findIndex((line) => line.includes('"kind":"result","type":"tool.call"'))
    const other = (lines[place] ?? '').replace(/"temperature":\d+/, '"temperature":99')
    writeFileSync(
      changed,
      lines
        .toSpliced(place, 1, other)
        .map((line) => `${line}\n`)
        .join(''),
    )
    const { code, stdout, stderr } = await busline('diff', runs.first, changed, '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const first = JSON.parse(linesOf(stdout)[0] ?? '')
    expect(first).toMatchObject({
      record: 'first',
      type: 'tool.call',
      path: 'output.temperature',
      valueB: 99,
    })
    expect(JSON.stringify([first.a, first.b])).toContain(String(place + 1))
  })

  test('two runs of one session: what was said differs, and what each took stands beside', async () => {
    const { code, stdout, stderr } = await busline('diff', runs.first, runs.again)
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toMatch(/First difference/)
    expect(stdout).toMatch(/get_weather/)
  })

  test('reprice tells what a run would have cost by another table', async () => {
    const prices = join(runs.folder, 'prices.json')
    const model = { match: 'gpt-4o-mini', input: 1, output: 2 }
    const table = { asOf: '2026-01-01', currency: 'USD', per: 1, models: [model] }
    writeFileSync(prices, JSON.stringify(table))
    const { code, stdout } = await busline('reprice', runs.first, '--prices', prices, '--json')
    expect(code).toBe(0)
    const rows = linesOf(stdout).map((line): Record<string, unknown> => JSON.parse(line))
    const used = linesOf(readFileSync(runs.first, 'utf8'))
      .map((line) => JSON.parse(line))
      .filter(({ kind, type }) => kind === 'result' && type === 'model.call')
      .reduce((sum, { output }) => sum + output.usage.inputTokens + 2 * output.usage.outputTokens, 0)
    expect(rows.find(({ kind }) => kind === 'total')).toMatchObject({ oldCost: 0, newCost: used })
  })
})
