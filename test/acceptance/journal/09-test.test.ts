import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expectRun } from 'busline/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT } from '../../programs/fixtures/build-package.ts'
import { linesOf } from '../../programs/fixtures/printed.ts'
import { busline, copyOf, productRuns, type ProductRuns } from './fixtures/product-runs.ts'
import { app, oneWord } from './fixtures/embed-app.ts'

const APP = 'test/acceptance/journal/fixtures/embed-app.ts'
const execute = promisify(execFile)

let runs: ProductRuns
// Inside of the repository, as the tests of a project are: what they import is found from there.
const folder = mkdtempSync(join(ROOT, 'test/acceptance/journal/kept-'))
beforeAll(async () => {
  runs = await productRuns()
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const rowsOf = (stdout: string) => linesOf(stdout).map((line): Record<string, unknown> => JSON.parse(line))

describe('a recorded run as a test', { timeout: 120_000 }, () => {
  test('test add keeps a run with a test for vitest, which passes, and fails when the app does something else', async () => {
    const to = ['--dir', folder, '--name', 'paris', '--app', `${APP}#app`]
    const added = await busline('test', 'add', runs.embed, ...to)
    expect(added).toMatchObject({ code: 0 })
    expect(readFileSync(join(folder, 'paris.test.ts'), 'utf8')).toContain('expectRun')

    const [same, other] = await Promise.all([
      busline('test', 'run', folder, '--app', `${APP}#app`, '--json'),
      busline('test', 'run', folder, '--app', `${APP}#oneWord`, '--json'),
    ])
    expect([same.code, other.code]).toEqual([0, 1])
    expect(rowsOf(same.stdout)).toMatchObject([{ status: 'pass' }])
    const first = { type: 'model.call', path: 'data.hash' }
    expect(rowsOf(other.stdout)).toMatchObject([
      { status: 'fail', divergences: expect.arrayContaining([expect.objectContaining(first)]) },
    ])

    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
    const env = { PATH: process.env['PATH'] }
    // The other configuration leaves this folder out.
    const args = ['run', '--config', 'vitest.slow.config.ts', join(folder, 'paris.test.ts')]
    const ran = await execute(process.execPath, [vitest, ...args], { cwd: ROOT, env })
    expect(ran.stdout).toMatch(/1 passed/)
  })

  test('expectRun passes for the app as it was, and names the line where another parts from it', async () => {
    await expectRun(runs.embed, app)
    const line = linesOf(readFileSync(runs.embed, 'utf8')).findIndex((text) =>
      text.includes('"kind":"command","type":"model.call"'),
    )
    await expect(expectRun(runs.embed, oneWord)).rejects.toThrow(new RegExp(`line ${line + 1}\\b`))
    await expectRun(runs.embed, oneWord, { ignore: ['model.call:data.hash'] })
  })

  test('an update writes the run anew, after which the other app passes', async () => {
    const kept = copyOf(runs.embed)
    writeFileSync(kept, readFileSync(runs.embed))
    await expectRun(kept, oneWord, { update: true, say: () => undefined })
    expect(readFileSync(kept, 'utf8')).not.toBe(readFileSync(runs.embed, 'utf8'))
    await expectRun(kept, oneWord)
    await expect(expectRun(kept, app)).rejects.toThrow(/model\.call/)
  })
})
