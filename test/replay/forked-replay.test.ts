import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scriptedProvider } from 'busline'
import { forkRun, replay, whatIf } from 'busline/journal'
import { describe, expect, it } from 'vitest'
import { GOLDEN_RUNS, goldenFile } from '../golden/runs.ts'
import { first, recordsOf, seeds } from './fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'forked-'))

/** A golden run whose app is what createApp takes. */
function golden(name: string) {
  const run = GOLDEN_RUNS.find((one) => one.name === name)
  if (!run || typeof run.app === 'function') throw new Error(`There is no such golden run: ${name}.`)
  return {
    path: goldenFile(run),
    app: run.app,
    lines: recordsOf(readFileSync(goldenFile(run), 'utf8')).length,
  }
}

describe('a fork, run again', () => {
  const { path, app, lines } = golden('three-parallel-tools')

  it.each(['close', 'keep'] as const)('is the same up to where it was forked (%s)', async (openCalls) => {
    for (let at = 4; at < lines; at += 4) {
      const to = join(folder, `${openCalls}-${at}.jsonl`)
      await forkRun(path, { at, to, openCalls })
      const report = await replay(to, app, { ...seeds(), patience: 100 })
      expect({ at, first: first(report) }).toEqual({ at, first: undefined })
    }
  })

  it('is the same where it went on after that, with another answer', async () => {
    const to = join(folder, 'other.jsonl')
    const provider = scriptedProvider(['Another answer altogether.'])
    await whatIf(path, { ...app, provider }, { at: lines - 12, to, tools: 'record' })
    const report = await replay(to, app, { patience: 100 })
    expect(first(report)).toBeUndefined()
    expect(report.lines).toBeGreaterThan(lines - 12)
  })

  it('of another app it differs, and comes to an end', async () => {
    const to = join(folder, 'strange.jsonl')
    await forkRun(path, { at: 12, to })
    const strange = { ...app, systemPrompt: 'Something else.', maxSteps: 1, tools: [] }
    const report = await replay(to, strange, { mode: 'keep-going', patience: 20 })
    expect(report.identical).toBe(false)
  })
})
