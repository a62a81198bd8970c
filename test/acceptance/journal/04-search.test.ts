import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { linesOf } from '../../programs/fixtures/printed.ts'
import { busline, productRuns, type ProductRuns } from './fixtures/product-runs.ts'

let runs: ProductRuns
beforeAll(async () => {
  runs = await productRuns()
}, 120_000)

const found = (stdout: string) => linesOf(stdout).map((line): Record<string, unknown> => JSON.parse(line))

describe.concurrent('finding lines', { timeout: 120_000 }, () => {
  test('search finds a word in every line that holds it', async () => {
    const { code, stdout } = await busline('search', 'Oslo', runs.first, '--json')
    expect(code).toBe(0)
    const holding = linesOf(readFileSync(runs.first, 'utf8')).flatMap((line, index) =>
      line.includes('Oslo') ? [index + 1] : [],
    )
    expect(found(stdout).map(({ line }) => line)).toEqual(holding)
  })

  test('search takes conditions together', async () => {
    const { code, stdout } = await busline(
      'search',
      'type:tool.call kind:command tool:get_weather data.arguments.location=Paris',
      runs.first,
      '--json',
    )
    expect(code).toBe(0)
    expect(found(stdout)).toHaveLength(2)
  })

  test('search looks through all runs of a folder, and counts', async () => {
    const { code, stdout } = await busline(
      'search',
      'type:chat.runTurn kind:command',
      '--all',
      '--count',
      '--log-dir',
      runs.logs,
    )
    expect(code).toBe(0)
    expect(stdout.match(/\b[14]\b/g)).not.toBeNull()
  })

  test('nothing found is exit code 1, a broken query 2, each without output', async () => {
    const [none, broken] = await Promise.all([
      busline('search', 'Atlantis', runs.first),
      busline('search', 'ms>soon', runs.first),
    ])
    expect([none.code, none.stdout]).toEqual([1, ''])
    expect([broken.code, broken.stdout]).toEqual([2, ''])
  })
})
