import { existsSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { readGuide, runBlocks, slugOf, type Trial } from './run-blocks.ts'

/** The guides, and how many programs each has at least; docs/testing.md has more to its test. */
const GUIDES = [
  ['docs/bus.md', 20],
  ['docs/context.md', 4],
  ['docs/journal.md', 7],
  ['docs/opentelemetry.md', 2],
  ['docs/forking.md', 4],
  ['docs/replay.md', 2],
  ['docs/reading-runs.md', 3],
  ['docs/regression-tests.md', 2],
  ['docs/sessions.md', 7],
  ['docs/tools.md', 9],
  ['docs/turns.md', 7],
  ['docs/usage.md', 5],
] as const

describe.each(GUIDES)('%s', (path, least) => {
  const { text, blocks } = readGuide(path)
  let trial: Trial = { runs: [], stderr: '', types: '' }

  beforeAll(async () => {
    trial = await runBlocks(blocks)
  }, 60_000)

  test('has its programs', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(least)
  })

  test.each(blocks)('$name runs, and prints what stands below it', ({ file, prints }) => {
    const run = trial.runs.find((one) => one.file === file)
    expect(run ?? trial.stderr).toEqual({ file, printed: prints })
  })

  test('leaves no rejection unhandled, and nothing that keeps a process from ending', () => {
    expect(trial.stderr).toBe('')
    expect(trial.runs.map(({ file }) => file)).toEqual(blocks.map(({ file }) => file))
  })

  test('has programs that compile under the settings of this repository', () => {
    expect(trial.types).toBe('')
  })

  test.each(blocks)('$name casts nothing, and writes no type where one follows', ({ code }) => {
    expect(code).not.toMatch(/\bas (?!\w+ from |const\b)\w|[\w)\]]!(?!=)/)
    expect(code).not.toMatch(/\b(?:execute|publish|on|handle|waitFor|events|schedule|track|send|defineTool)</)
  })

  test('links only to files and headings that there are', () => {
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slugOf(heading))
    for (const [, file = '', anchor] of text.matchAll(/\]\(([^)#]*)(?:#([^)]+))?\)/g)) {
      if (file) expect(existsSync(new URL(`../../docs/${file}`, import.meta.url)), file).toBe(true)
      else expect(headings).toContain(anchor)
    }
  })
})
