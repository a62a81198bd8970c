import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { linesOf } from '../../programs/fixtures/printed.ts'
import {
  busline,
  buslineWithoutNetwork,
  productRuns,
  PROMPTS,
  type ProductRuns,
} from './fixtures/product-runs.ts'

const APP = 'test/acceptance/journal/fixtures/embed-app.ts'

let runs: ProductRuns
beforeAll(async () => {
  runs = await productRuns()
}, 120_000)

const lineWith = (journal: string, part: string) =>
  linesOf(readFileSync(journal, 'utf8')).findIndex((line) => line.includes(part)) + 1

describe.concurrent('running a run again', { timeout: 120_000 }, () => {
  test('a whole run of function-chat is replayed without network and key, line by line the same', async () => {
    const { code, stdout, stderr } = await buslineWithoutNetwork('replay', runs.first, '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = linesOf(readFileSync(runs.first, 'utf8')).length
    expect(JSON.parse(stdout)).toMatchObject({ identical: true, divergences: [], findings: [] })
    expect(JSON.parse(stdout).lines).toBeGreaterThanOrEqual(lines - 1)
  })

  test('the network is cut off in these tests', async () => {
    const args = ['chat', '--offline', '--prompt', 'Hello', '--no-console', '--log-dir', runs.folder]
    const { code } = await buslineWithoutNetwork(...args, '--sessions-dir', runs.folder)
    expect(code).not.toBe(0)
  })

  test('a resumed session and a run of another app are replayed too', async () => {
    const [again, embed] = await Promise.all([
      buslineWithoutNetwork('replay', runs.again),
      buslineWithoutNetwork('replay', runs.embed, '--app', `${APP}#app`),
    ])
    expect([again.code, embed.code]).toEqual([0, 0])
  })

  test('a run that was started with other options is replayed with them, which its journal tells', async () => {
    const dirs = ['--log-dir', join(runs.folder, 'limited'), '--sessions-dir', join(runs.folder, 'limited')]
    const options = ['--offline', '--max-steps', '1', '--model', 'other', '--system-prompt', 'Be brief.']
    const said = PROMPTS.flatMap((text) => ['--prompt', text])
    expect(await busline('chat', ...options, ...said, ...dirs, '--no-console')).toMatchObject({ code: 0 })
    const { code, stdout } = await buslineWithoutNetwork('replay', ...dirs.slice(0, 2))
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^The replay is identical/) })
  })

  test('one other word in what the model is told is the first divergence, at the line of its call', async () => {
    const { code, stdout } = await busline('replay', runs.embed, '--app', `${APP}#oneWord`, '--json')
    expect(code).toBe(5)
    const line = lineWith(runs.embed, '"kind":"command","type":"model.call"')
    expect(JSON.parse(stdout)).toMatchObject({
      identical: false,
      divergences: [{ kind: 'changed', line, type: 'model.call', path: 'data.hash' }],
    })
  })

  test('another result of a tool that runs is the first divergence, at the line of that result', async () => {
    const args = ['--app', `${APP}#warmer`, '--live', 'tool.call', '--json']
    const { code, stdout } = await busline('replay', runs.embed, ...args)
    expect(code).toBe(5)
    const line = lineWith(runs.embed, '"kind":"result","type":"tool.call"')
    expect(JSON.parse(stdout)).toMatchObject({
      divergences: [{ line, path: 'output.temperature', recorded: 18, replayed: 19 }],
    })
  })
})
