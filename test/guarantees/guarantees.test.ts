import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { guaranteeIn, pageOf } from './guarantees.ts'

const here = new URL('.', import.meta.url)
const files = readdirSync(here)
  .filter((name) => /^\d\d-.*\.test\.ts$/.test(name))
  .toSorted()
const guarantees = files.map((file) => ({
  file,
  ...guaranteeIn(file, readFileSync(new URL(file, here), 'utf8')),
}))

test('there are eleven, each with sentences and tests of its own', () => {
  expect(guarantees.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  for (const { file, title, prose, tests } of guarantees) {
    const text = readFileSync(new URL(file, here), 'utf8')
    expect([title, prose].every((part) => part.length > 3)).toBe(true)
    expect(tests.length).toBeGreaterThan(2)
    expect(tests).toHaveLength(text.match(/^test[.(]/gm)?.length ?? 0)
  }
})

test('docs/guarantees.md says what the tests say', async () => {
  await expect(pageOf(guarantees)).toMatchFileSnapshot('../../docs/guarantees.md')
})
