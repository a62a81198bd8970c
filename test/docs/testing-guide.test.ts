import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readGuide, runBlocks, slugOf, type Block, type Trial } from './run-blocks.ts'

/** Programs of the guide with a mistake put in, and what their simulation is to say. */
const MISTAKES = [
  {
    mistake: 'schedules that a power cut takes',
    section: 'Crash and restore',
    from: "durability: 'disk'",
    to: "durability: 'process'",
    says: /Seed \d+: ERR_ASSERTION: \w+ was not reminded/,
  },
  {
    mistake: 'a payment that is decided on too early',
    section: 'Try a program in many worlds',
    from: /(.*scope\.sleep.*\n)(.*isNew = .*\n)/,
    to: '$2$1',
    says: /Seed \d+: ERR_ASSERTION: an order was paid twice/,
  },
]

describe('docs/testing.md', () => {
  const { text, blocks } = readGuide('docs/testing.md')
  const mistaken = MISTAKES.map(({ section, from, to }): Block => {
    const block = blocks.find(({ name }) => name === `${section} (1)`)
    if (!block) throw new Error(`The guide has no program in ${section}.`)
    return { ...block, file: `mistaken-${block.file}`, code: block.code.replace(from, to) }
  })
  const programs = [...blocks, ...mistaken]
  let trial: Trial = { runs: [], stderr: '', types: '' }

  beforeAll(async () => {
    // Whoever repeats a seed of another test means that one.
    vi.stubEnv('BUSLINE_SEED', undefined)
    trial = await runBlocks(programs)
  }, 60_000)

  afterAll(() => void vi.unstubAllEnvs())

  test('has its programs', () => {
    expect(blocks.length).toBeGreaterThan(7)
  })

  test.each(blocks)('$name runs, and prints what stands below it', ({ file, prints }) => {
    const run = trial.runs.find((one) => one.file === file)
    expect(run ?? trial.stderr).toEqual({ file, printed: prints })
  })

  test.each(MISTAKES)('a simulation finds $mistake', ({ section, says }) => {
    const run = trial.runs.find(({ file }) => file === `mistaken-${slugOf(section)}-1.ts`)
    expect(run?.error).toMatch(says)
  })

  test('leaves no rejection unhandled, and nothing that keeps a process from ending', () => {
    expect(trial.stderr).toBe('')
    expect(trial.runs.map(({ file }) => file)).toEqual(programs.map(({ file }) => file))
  })

  test('has programs that compile under the settings of this repository', () => {
    expect(trial.types).toBe('')
  })

  test.each(blocks)('$name casts nothing, and writes no type where one follows', ({ code }) => {
    expect(code).not.toMatch(/\bas (?!\w+ from |const\b)\w|[\w)\]]!(?!=)|\bany\b/)
    expect(code).not.toMatch(
      /\b(?:execute|publish|on|handle|schedule|track|given|when|command|event|simulate)</,
    )
  })

  test('links only to files and headings that there are', () => {
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slugOf(heading))
    for (const [, path = '', anchor] of text.matchAll(/\]\(([^)#]*)(?:#([^)]+))?\)/g)) {
      if (path) expect(existsSync(new URL(`../../docs/${path}`, import.meta.url)), path).toBe(true)
      else expect(headings).toContain(anchor)
    }
  })
})
