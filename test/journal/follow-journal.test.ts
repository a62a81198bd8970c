import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonlJournal, MessageBus, type JournalRecord } from 'busline'
import { followJournal, type FollowJournalOptions } from 'busline/journal'
import { expect, test } from 'vitest'
import { rejection } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { Added, recordedRun } from './fixtures/recorded-run.ts'

function line(seq: number, more: object = {}): string {
  return `${JSON.stringify({ seq, time: 1, kind: 'event', type: 'x', id: `m${seq}`, ...more })}\n`
}

function header(seq: number, segment: number): string {
  return line(seq, { kind: 'header', type: 'busline.journal', data: { run: 'r', segment } })
}

/** What is there now. */
async function there(path: string, options: FollowJournalOptions = {}): Promise<number[]> {
  const seqs: number[] = []
  for await (const { seq } of followJournal(path, { ...options, live: false })) seqs.push(seq)
  return seqs
}

/** Follows until `count` records have come. */
async function follow(
  path: string,
  count: number,
  options: FollowJournalOptions = {},
): Promise<JournalRecord[]> {
  const records: JournalRecord[] = []
  if (count === 0) return records
  for await (const record of followJournal(path, options)) if (records.push(record) === count) break
  return records
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, seq) => seq)

test('two followers get what is there and what comes, the same records in the same order', async () => {
  const path = join(temporaryFolder(), 'run.jsonl')
  const journal = jsonlJournal(path)
  const bus = new MessageBus({ journal })
  bus.publish(Added, { sum: 0, text: '' })
  await journal.flush()
  const followers = [follow(path, 301), follow(path, 301)]
  for (let sum = 1; sum < 300; sum++) {
    bus.publish(Added, { sum, text: 'ü'.repeat(sum) })
    if (sum % 40 === 0) await journal.flush()
  }
  await bus.stop()
  const [first, second] = await Promise.all(followers)

  expect(first?.map(({ seq }) => seq)).toEqual(upTo(301))
  expect(second).toEqual(first)
})

test('whoever was cut off goes on after the last record, by its seq or its id', async () => {
  const path = await recordedRun(20)
  const all = await there(path)
  const ids = new Map<number, string>()
  for await (const { seq, id } of followJournal(path, { live: false })) if (id !== undefined) ids.set(seq, id)

  for (const [seq, id] of ids) {
    expect(await there(path, { after: seq })).toEqual(all.slice(seq + 1))
    expect(await there(path, { after: id })).toEqual(all.slice(seq + 1))
  }
})

test('a torn line is given when it is whole, and not if the next writer cuts it', async () => {
  const path = join(temporaryFolder(), 'run.jsonl')
  writeFileSync(path, line(0) + line(1).slice(0, 9))
  const following = follow(path, 3)
  expect(await there(path)).toEqual([0])
  appendFileSync(path, line(1).slice(9))
  expect(await there(path)).toEqual([0, 1])
  appendFileSync(path, '{"seq":2,"torn')
  truncateSync(path, line(0).length + line(1).length)
  appendFileSync(path, line(2, { type: 'other' }))

  expect((await following).map(({ seq, type }) => `${seq} ${type}`)).toEqual(['0 x', '1 x', '2 other'])
})

test('rotation loses nothing and doubles nothing', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'run.jsonl')
  writeFileSync(path, header(0, 1))
  const following = follow(path, 1001)
  for (let seq = 1; seq <= 1000; seq++) {
    if (seq % 100 === 0) {
      renameSync(path, join(folder, `run.${String(seq / 100).padStart(5, '0')}.jsonl`))
      writeFileSync(path, header(seq, seq / 100 + 1))
    } else appendFileSync(path, line(seq))
    if (seq % 30 === 0) await new Promise((resolve) => setImmediate(resolve))
  }

  expect((await following).map(({ seq }) => seq)).toEqual(upTo(1001))
  for (const after of [0, 98, 99, 100, 550, 999])
    expect(await there(path, { after })).toEqual(upTo(1001).slice(after + 1))
  expect(await there(path, { after: 'm550' })).toEqual(upTo(1001).slice(551))
})

test('a reader that is so slow that what it waits for was deleted gets MESSAGE_NOT_IN_RUN, after all it could have', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'run.jsonl')
  writeFileSync(path, header(0, 1) + line(1))
  const seen: number[] = []
  const reading = async (): Promise<void> => {
    for await (const { seq } of followJournal(path)) {
      seen.push(seq)
      if (seq !== 0) continue
      appendFileSync(path, line(2))
      rmSync(path)
      writeFileSync(path, header(9, 4))
    }
  }

  expect(await rejection(reading())).toMatchObject({
    code: 'MESSAGE_NOT_IN_RUN',
    data: { path, seq: 3, oldest: 9 },
  })
  expect(seen).toEqual([0, 1, 2])
})

test('lines that were cut and written again after a failed sync are given once', async () => {
  const path = join(temporaryFolder(), 'run.jsonl')
  writeFileSync(path, line(0) + line(1))
  const seen: number[] = []
  for await (const { seq } of followJournal(path)) {
    seen.push(seq)
    if (seq === 1) {
      truncateSync(path, line(0).length)
      setTimeout(() => appendFileSync(path, line(1) + line(2) + line(3)), 20)
    }
    if (seq === 3) break
  }

  expect(seen).toEqual([0, 1, 2, 3])
})

test('an aborted signal ends the loop without an error', async () => {
  const path = await recordedRun(1)
  const stop = new AbortController()
  const seen: number[] = []
  for await (const { seq } of followJournal(path, { signal: stop.signal })) {
    seen.push(seq)
    if (seq === 3) setImmediate(() => stop.abort())
  }

  expect(seen).toEqual([0, 1, 2, 3])
})

test('an id that is not there, and a seq whose successor was pruned, are MESSAGE_NOT_IN_RUN', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'run.jsonl')
  writeFileSync(path, header(10, 2) + line(11))

  expect(await there(path)).toEqual([10, 11])
  expect(await there(path, { after: 9 })).toEqual([10, 11])
  for (const after of [8, 'm9'])
    expect(await rejection(there(path, { after }))).toMatchObject({ code: 'MESSAGE_NOT_IN_RUN' })
})

test('a damaged line ends the following after what stood before it; a missing file is FILE_FAILED', async () => {
  const path = join(temporaryFolder(), 'run.jsonl')
  writeFileSync(path, `${line(0)}nonsense\n`)
  const seen: number[] = []
  const error = await rejection(
    (async () => {
      for await (const { seq } of followJournal(path)) seen.push(seq)
    })(),
  )
  rmSync(path)

  expect(seen).toEqual([0])
  expect(error).toMatchObject({ code: 'JOURNAL_DAMAGED', data: { line: 2 } })
  expect(await rejection(there(path))).toMatchObject({ code: 'FILE_FAILED' })
})
