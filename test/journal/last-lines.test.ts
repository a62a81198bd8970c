import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonlJournal } from 'busline'
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

test('lines before and behind a long one come whole, wherever its ends fall', async () => {
  const path = join(temporaryFolder(), 'run.jsonl')
  for (const length of [262_000, 262_100, 262_143, 262_144, 262_145, 524_288]) {
    const lines = ['a', 'x'.repeat(length), 'b', ''].map((data, seq) =>
      JSON.stringify({ seq, time: 1, kind: 'event', type: 'x', data }),
    )
    writeFileSync(path, `${lines.join('\n')}\n`)

    expect((await lastLines(path, () => false)).map((line) => line.text())).toEqual(lines)
  }
})

test('a tail of 128 MiB is passed over, and cut by the next writer, in time that grows with its length', async () => {
  const path = await recordedRun(1)
  const { size } = statSync(path)
  truncateSync(path, size + 128 * 1024 * 1024)
  const begin = performance.now()

  expect(await lastLines(path, () => true)).toHaveLength(1)
  await jsonlJournal(path).close()
  expect(statSync(path).size).toBe(size)
  expect(performance.now() - begin).toBeLessThan(3000)
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
