import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readJournal } from 'busline'
import { expect, test } from 'vitest'
import { rejection } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { readAll } from './fixtures/read-all.ts'

function journalOf(...lines: (string | Uint8Array)[]): string {
  const path = join(temporaryFolder(), 'a.jsonl')
  writeFileSync(path, '')
  for (const line of lines) {
    appendFileSync(path, line)
    appendFileSync(path, '\n')
  }
  return path
}

function line(seq: number, more: object = {}): string {
  return JSON.stringify({ seq, time: 1, kind: 'event', type: 'x', ...more })
}

test('reading gives every record, with kinds and fields that it does not know', async () => {
  const path = journalOf(line(0), line(1, { kind: 'dream', colour: 'blue', data: { deep: [1] } }))

  expect(await readAll(path)).toEqual([
    { seq: 0, time: 1, kind: 'event', type: 'x' },
    { seq: 1, time: 1, kind: 'dream', type: 'x', colour: 'blue', data: { deep: [1] } },
  ])
})

test('an empty file has no records and no torn tail', async () => {
  const torn: unknown[] = []

  expect(await readAll(journalOf(), { onTornTail: (tail) => torn.push(tail) })).toEqual([])
  expect(torn).toEqual([])
})

test('a run may begin later when its header says that segments came before', async () => {
  const header = (segment: number): string => line(41, { kind: 'header', data: { run: 'r', segment } })

  expect(await readAll(journalOf(header(3), line(42)))).toHaveLength(2)
  expect(await rejection(readAll(journalOf(header(1), line(42))))).toMatchObject({
    code: 'JOURNAL_DAMAGED',
    message: expect.stringContaining('seq is 41 where 0 should follow; what came before is missing'),
  })
})

test('lines longer than any chunk come whole, with every character', async () => {
  const text = 'ü🚌'.repeat(100_000)

  expect(await readAll(journalOf(line(0, { data: text }), line(1, { data: text })))).toMatchObject([
    { data: text },
    { data: text },
  ])
})

test.each<[string, (string | Uint8Array)[], number, RegExp]>([
  ['a gap in seq', [line(0), line(2)], 2, /seq is 2 where 1 should follow/],
  ['a repeated seq', [line(0), line(1), line(1)], 3, /seq is 1 where 2 should follow/],
  ['a seq that goes back', [line(0), line(1), line(0)], 3, /seq is 0 where 2 should follow/],
  ['a line of no JSON in the middle', [line(0), '{"seq":1,"ti', line(2)], 2, /not a line of JSON/],
  ['an empty line', [line(0), '', line(1)], 2, /not a line of JSON/],
  ['a line that is no record', [line(0), '{"seq":1}', line(2)], 2, /not a journal record/],
  ['a line that is no object', [line(0), '[1]', line(2)], 2, /not a journal record/],
  ['bytes that are not UTF-8', [line(0), Buffer.from([0x22, 0xff, 0x22])], 2, /not a line of JSON/],
])('%s is JOURNAL_DAMAGED, naming the line; what stands before it was read', async (_, lines, bad, why) => {
  const path = journalOf(...lines)
  const read: number[] = []
  const error = await rejection(
    (async () => {
      for await (const { seq } of readJournal(path)) read.push(seq)
    })(),
  )

  expect(error).toMatchObject({ code: 'JOURNAL_DAMAGED', message: expect.stringMatching(why) })
  expect(error).toHaveProperty('message', expect.stringContaining(`Line ${bad} of ${path}`))
  expect(read).toHaveLength(bad - 1)
})

const lost = (seq: number, data: object, more: object = {}): string =>
  line(seq, { kind: 'note', type: 'bus.lost', data, ...more })

test('a gap that a bus.lost note declares is read over, and the note is given', async () => {
  const path = journalOf(line(0), lost(4, { lost: 4, from: 1, to: 4 }), line(5))

  expect((await readAll(path)).map(({ seq, type }) => `${seq} ${type}`)).toEqual(['0 x', '4 bus.lost', '5 x'])
})

test('a journal may begin with a bus.lost note, or have one without a gap', async () => {
  expect(await readAll(journalOf(lost(4, { lost: 5, from: 0, to: 4 }), line(5)))).toHaveLength(2)
  expect(await readAll(journalOf(line(0), lost(1, { lost: 1, from: 1, to: 1 }), line(2)))).toHaveLength(3)
})

test.each<[string, string]>([
  ['begins later', lost(4, { lost: 3, from: 2, to: 4 })],
  ['begins earlier', lost(4, { lost: 5, from: 0, to: 4 })],
  ['ends elsewhere', lost(4, { lost: 3, from: 1, to: 3 })],
  ['counts wrong', lost(4, { lost: 3, from: 1, to: 4 })],
  ['says nothing', lost(4, {})],
  ['is no note', lost(4, { lost: 4, from: 1, to: 4 }, { kind: 'event' })],
  ['is another note', lost(4, { lost: 4, from: 1, to: 4 }, { type: 'bus.dropped' })],
])('a gap is JOURNAL_DAMAGED when the note after it %s', async (_, note) => {
  expect(await rejection(readAll(journalOf(line(0), note)))).toMatchObject({
    code: 'JOURNAL_DAMAGED',
    message: expect.stringContaining('seq is 4 where 1 should follow'),
  })
})

test('what stands between a gap and its note is damage', async () => {
  const path = journalOf(line(0), line(3), lost(4, { lost: 2, from: 1, to: 2 }))

  expect(await rejection(readAll(path))).toMatchObject({ code: 'JOURNAL_DAMAGED', data: { line: 2 } })
})

test.each<[string, string[]]>([
  ['a line that is no record', [line(0), '{"seq":1}']],
  ['a gap', [line(0), line(2)]],
])('the error for %s carries the line as a field', async (_, lines) => {
  const path = journalOf(...lines)

  expect(await rejection(readAll(path))).toMatchObject({ data: { path, line: 2 } })
})

test('bytes after the last newline are no record; they are told once', async () => {
  const path = journalOf(line(0))
  appendFileSync(path, line(1))
  const torn: unknown[] = []

  expect(await readAll(path, { onTornTail: (tail) => torn.push(tail) })).toHaveLength(1)
  expect(await readAll(path)).toHaveLength(1)
  expect(torn).toEqual([{ line: 2, bytes: line(1).length }])
})

test('a file that is missing is FILE_FAILED with the reason in words', async () => {
  const path = join(temporaryFolder(), 'missing.jsonl')

  expect(await rejection(readAll(path))).toMatchObject({
    code: 'FILE_FAILED',
    message: `The journal ${path} can't be read: it does not exist.`,
    data: { path },
    cause: { code: 'ENOENT' },
  })
})

test('a reader may leave early', async () => {
  const path = journalOf(line(0), line(1), 'nonsense')
  const read: number[] = []
  for await (const { seq } of readJournal(path)) {
    read.push(seq)
    if (seq === 1) break
  }

  expect(read).toEqual([0, 1])
})
