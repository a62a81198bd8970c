import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readJournal, replay, verifyJournal } from 'busline/journal'
import { afterAll, expect, test } from 'vitest'
import { app, forked, recordsOf, rotatedLine, writeRotatedRun } from '../programs/fixtures/rotated-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-rotated-forks-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a fork at each line of a run in small segments is that of the run in one file, verified and replayed', async () => {
  const run = await writeRotatedRun(folder)
  const [a, b] = [join(folder, 'a.jsonl'), join(folder, 'b.jsonl')]
  // The header alone is no run to replay.
  for (const { seq } of recordsOf(run.plain).slice(1)) {
    const at = rotatedLine(run, seq + 1)
    const expected = await forked(run.plain, { at: seq + 1, to: a })
    const found = await forked(run.rotated, { at, to: b }, async () => {
      expect(await verifyJournal(b), `line ${at}`).toMatchObject({ ok: true })
      const { identical, divergences } = await replay(readJournal(b), app)
      expect({ identical, divergences }, `line ${at}`).toEqual({ identical: true, divergences: [] })
    })
    expect(found, `line ${at}`).toEqual(expected)
  }
}, 120_000)
