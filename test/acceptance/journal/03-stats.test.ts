import { beforeAll, describe, expect, test } from 'vitest'
import { linesOf } from '../../programs/fixtures/printed.ts'
import { busline, productRuns, type ProductRuns } from './fixtures/product-runs.ts'

let runs: ProductRuns
beforeAll(async () => {
  runs = await productRuns()
}, 120_000)

const rowsOf = (stdout: string) => linesOf(stdout).map((line): Record<string, unknown> => JSON.parse(line))

describe.concurrent('what a run took', { timeout: 120_000 }, () => {
  test('stats tells people of models and tools', async () => {
    const { code, stdout, stderr } = await busline('stats', runs.first)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/gpt-4o-mini/)
    expect(stdout).toMatch(/get_weather/)
  })

  test('stats counts each call of a tool, by name', async () => {
    const { code, stdout } = await busline('stats', runs.first, '--by', 'tool', '--json')
    expect(code).toBe(0)
    const rows = rowsOf(stdout)
    const of = (tool: string) => rows.find((row) => Object.values(row).includes(tool))
    expect(of('get_weather')).toMatchObject({ calls: 4 })
    expect(of('calculate')).toMatchObject({ calls: 1 })
  })

  test('stats adds up several runs', async () => {
    const [one, both] = await Promise.all([
      busline('stats', runs.first, '--by', 'tool', '--json'),
      busline('stats', runs.first, runs.again, '--by', 'tool', '--json'),
    ])
    const calls = (stdout: string) =>
      rowsOf(stdout).find((row) => Object.values(row).includes('get_weather'))?.['calls']
    expect([calls(one.stdout), calls(both.stdout)]).toEqual([4, 5])
  })

  test('stats works on a bus without an engine, and on a killed run', async () => {
    const [custom, killed] = await Promise.all([busline('stats', runs.custom), busline('stats', runs.killed)])
    expect([custom.code, killed.code]).toEqual([0, 0])
    expect(custom.stdout).toContain('people.greet')
  })
})
