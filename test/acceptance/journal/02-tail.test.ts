import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { linesOf } from '../../programs/fixtures/printed.ts'
import { busline, copyOf, productRuns, startBusline, type ProductRuns } from './fixtures/product-runs.ts'

let runs: ProductRuns
beforeAll(async () => {
  runs = await productRuns()
}, 120_000)

describe.concurrent('following a run', { timeout: 120_000 }, () => {
  test('tail tells the last messages and ends where asked, of one type only', async () => {
    const [last, tools] = await Promise.all([
      busline('tail', runs.first, '-n', '3', '--no-follow', '--json'),
      busline('tail', runs.first, '-n', '99', '--no-follow', '--type', 'tool.call', '--json'),
    ])
    const told = (stdout: string) => linesOf(stdout).map((line): Record<string, unknown> => JSON.parse(line))
    expect([last.code, tools.code]).toEqual([0, 0])
    const lines = linesOf(readFileSync(runs.first, 'utf8')).length
    expect(told(last.stdout).map(({ line }) => line)).toEqual([lines - 2, lines - 1, lines])
    expect(new Set(told(tools.stdout).map(({ type }) => type))).toEqual(new Set(['tool.call']))
    expect(told(tools.stdout).filter(({ kind }) => kind === 'command')).toHaveLength(5)
  })

  test('tail tells a message when it is written, and ends with 130 when it is interrupted', async () => {
    const growing = copyOf(runs.first)
    const lines = linesOf(readFileSync(growing, 'utf8'))
    const rest = lines.splice(-2)
    writeFileSync(growing, lines.map((line) => `${line}\n`).join(''))
    await using following = await startBusline('tail', growing, '-n', '1', '--json')
    await following.says(new RegExp(`"line":${lines.length},`))
    appendFileSync(growing, rest.map((line) => `${line}\n`).join(''))
    await following.says(new RegExp(`"line":${lines.length + 2},`))
    following.kill('SIGINT')
    expect((await following.finished).code).toBe(130)
  })
})
