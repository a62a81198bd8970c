import {
  appendFileSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { jsonlJournal } from 'busline'
import { lastLines } from 'busline/journal'
import { describe, expect, test } from 'vitest'
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

describe('of a run of several files', () => {
  const line = (seq: number, more: object = {}): string =>
    `${JSON.stringify({ seq, time: 1, kind: 'event', type: 'x', ...more })}\n`
  const header = (seq: number, segment: number): string =>
    line(seq, { v: 1, kind: 'header', type: 'busline.journal', data: { run: 'r', segment } })
  const seqs = async (path: string): Promise<number[]> =>
    (await lastLines(path, () => false)).map(({ envelope }) => envelope.seq)

  test('the end of a full one that is missing or torn is damage, and one that a note declares is not', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    const full = path.replace('.jsonl', '.00001.jsonl')
    writeFileSync(path, header(3, 2) + line(4))
    writeFileSync(full, line(0) + line(1) + line(2))
    expect(await seqs(path)).toEqual([0, 1, 2, 3, 4])

    for (const content of [line(0) + line(1), line(0) + line(1) + line(2).slice(0, -1)]) {
      writeFileSync(full, content)
      expect(await rejection(lastLines(path, () => false))).toMatchObject({
        code: 'JOURNAL_DAMAGED',
        data: { path, line: 1, why: 'seq is 3 where 2 should follow' },
      })
      expect(await lastLines(path, ({ envelope }) => envelope.seq === 3)).toHaveLength(2)
    }
    writeFileSync(
      full,
      line(0) + line(2, { kind: 'note', type: 'bus.lost', data: { lost: 2, from: 1, to: 2 } }),
    )
    expect(await seqs(path)).toEqual([0, 2, 3, 4])
  })

  test('where keep deletes what stands before, that is missing as in any run without its first segments', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    const full = [1, 2, 3].map((number) => path.replace('.jsonl', `.0000${number}.jsonl`))
    for (const [place, file] of full.entries()) writeFileSync(file, header(place, place + 1))
    writeFileSync(path, header(3, 4))
    const read = await lastLines(path, ({ envelope }) => {
      if (envelope.seq === 2) for (const file of full.slice(0, 2)) rmSync(file)
      return false
    })

    expect(read.map(({ line }) => line)).toEqual([3, 4])
  })

  test('no file is left out while a writer rotates', async () => {
    const path = join(temporaryFolder(), 'a.jsonl')
    let seq = 0
    writeFileSync(path, line(seq++))
    for (let number = 1; number <= 60; number++) {
      const reading = seqs(path)
      for (let turns = number % 4; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve))
      renameSync(path, path.replace('.jsonl', `.${String(number).padStart(5, '0')}.jsonl`))
      writeFileSync(path, header(seq++, number + 1))
      const read = await reading

      expect(read).toEqual(read.map((_, index) => index))
      expect(read.length).toBeGreaterThanOrEqual(number)
    }
  })
})
