import { replay } from 'busline/journal'
import { describe, expect, it } from 'vitest'
import { GOLDEN_RUNS } from '../golden/runs.ts'
import { first, goldenRecords, seeds, timeless } from './fixtures.ts'

describe('a golden run, run again', () => {
  it.each(GOLDEN_RUNS)('$name: is the same, line by line and in the same order', async ({ name, app }) => {
    const recorded = goldenRecords(name)
    const report = await replay(recorded, app, { ...seeds(), patience: 200 })
    expect(first(report)).toBeUndefined()
    expect(report).toMatchObject({
      identical: true,
      lines: recorded.length,
      replayed: recorded.length,
    })
    expect(timeless(report.records)).toEqual(timeless(recorded))
    expect(report.findings).toEqual([])
  })
})
