import { existsSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { readGuide, runBlocks, slugOf, type Trial } from './run-blocks.ts'

describe('docs/bus.md', () => {
  const { text, blocks } = readGuide('docs/bus.md')
  let trial: Trial = { runs: [], stderr: '', types: '' }

  beforeAll(async () => {
    trial = await runBlocks(blocks)
  }, 60_000)

  test('has its programs', () => {
    expect(blocks.length).toBeGreaterThan(20)
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
    expect(code).not.toMatch(/\b(?:execute|publish|on|handle|waitFor|events|schedule|track)</)
  })

  test('links only to files and headings that there are', () => {
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slugOf(heading))
    for (const [, path = '', anchor] of text.matchAll(/\]\(([^)#]*)(?:#([^)]+))?\)/g)) {
      if (path) expect(existsSync(new URL(`../../docs/${path}`, import.meta.url)), path).toBe(true)
      else expect(headings).toContain(anchor)
    }
  })
})
