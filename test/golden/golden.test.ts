import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { updateWanted } from '../../src/testing/update-wanted.ts'
import { GOLDEN_RUNS, goldenFile } from './runs.ts'

/** `npx vitest run test/golden -u`, or `BUSLINE_UPDATE=1`, writes the files anew; what changed is for a person to read. */
const isUpdate = updateWanted()

test.each(GOLDEN_RUNS)('$name: $about', async (run) => {
  const journal = `${(await run.play()).join('\n')}\n`
  const file = goldenFile(run)
  if (isUpdate) writeFileSync(file, journal)
  expect(existsSync(file), `${file} is missing; BUSLINE_UPDATE=1 writes it`).toBe(true)
  expect(journal).toBe(readFileSync(file, 'utf8'))
})

test('every golden journal has its run', () => {
  const files = readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.jsonl'))
  expect(files.toSorted()).toEqual(GOLDEN_RUNS.map(({ name }) => `${name}.jsonl`).toSorted())
})

test('a run played twice is the same, byte for byte', async () => {
  for (const run of GOLDEN_RUNS) expect(await run.play()).toEqual(await run.play())
})
