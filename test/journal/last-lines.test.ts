import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lastLines } from 'busline/journal'
import { expect, test } from 'vitest'
import { rejection } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { recordedRun } from './fixtures/recorded-run.ts'

test('the last lines are those from the one on at which it is enough', async () => {
  const path = await recordedRun(2000)
  const all = readFileSync(path, 'utf8').trimEnd().split('\n')
  for (const count of [1, 2, 3000, all.length]) {
    let asked = 0
    const lines = await lastLines(path, () => ++asked === count)

    expect(lines.map((line) => line.text())).toEqual(all.slice(-count))
    expect(asked).toBe(count)
    expect(lines[0]?.line).toBe(all.length - count + 1)
  }
  expect(await lastLines(path, () => false)).toHaveLength(all.length)
})

test('a line that is longer than what is read at once comes whole', async () => {
  const path = await recordedRun(1)
  const seq = readFileSync(path, 'utf8').trimEnd().split('\n').length
  const long = { seq, time: 1, kind: 'event', type: 'x', data: 'ü'.repeat(700_000) }
  appendFileSync(path, `${JSON.stringify(long)}\n`)

  expect((await lastLines(path, () => true))[0]?.record()).toEqual(long)
  expect(await lastLines(path, () => false)).toHaveLength(seq + 1)
})

test('bytes after the last newline are passed over; an empty file has no lines', async () => {
  const path = await recordedRun(1)
  const before = await lastLines(path, () => false)
  appendFileSync(path, '{"seq":')
  const empty = join(temporaryFolder(), 'empty.jsonl')
  writeFileSync(empty, '')

  expect(await lastLines(path, () => false)).toHaveLength(before.length)
  expect(await lastLines(empty, () => true)).toEqual([])
})

test('a damaged line names its place in the file', async () => {
  const path = await recordedRun(2000)
  const lines = readFileSync(path, 'utf8').split('\n')
  lines[5999] = 'nonsense'
  writeFileSync(path, lines.join('\n'))

  expect(await rejection(lastLines(path, () => false))).toMatchObject({
    code: 'JOURNAL_DAMAGED',
    data: { path, line: 6000 },
  })
  expect(await rejection(lastLines(`${path}.none`, () => true))).toMatchObject({ code: 'FILE_FAILED' })
})
