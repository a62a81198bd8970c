import type { JournalRecord } from 'busline'
import { replay } from 'busline/journal'
import { describe, expect, it } from 'vitest'
import { GOLDEN_RUNS } from '../golden/runs.ts'
import { first, goldenRecords, seeds, timeless } from '../replay/fixtures.ts'

describe('a golden run that was killed, run again', () => {
  it.each(GOLDEN_RUNS)('$name: is the same up to wherever a crash may have cut it', async ({ name, app }) => {
    const recorded = goldenRecords(name)
    for (let lines = 2; lines < recorded.length; lines++) {
      const prefix = recorded.slice(0, lines)
      // Nothing tells such a journal from that of a run which did no more.
      if (hasEnded(prefix)) continue
      const report = await replay(prefix, app, { ...seeds(), patience: 200 })
      expect({ lines, first: first(report) }).toEqual({ lines, first: undefined })
      expect(timeless(report.records)).toEqual(timeless(prefix))
    }
  })
})

function hasEnded(records: readonly JournalRecord[]): boolean {
  const ended = new Set(records.map(({ of }) => of))
  return records.every(({ kind, id }) => kind !== 'command' || ended.has(id))
}
