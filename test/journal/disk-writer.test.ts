import { expect, test } from 'vitest'
import type { Journal } from '../../src/bus/journal.ts'
import type { JournalFile } from '../../src/journal/journal-files.ts'
import { jsonlJournal } from '../../src/journal/jsonl-journal.ts'
import { deferred, idle, rejection } from '../bus/fixtures/promises.ts'
import { FaultyFiles } from './fixtures/faulty-files.ts'
import { lineOf, textOf } from './fixtures/line-of.ts'

function onDisk(): { journal: Journal; files: FaultyFiles } {
  const files = new FaultyFiles()
  return { files, journal: jsonlJournal('a.jsonl', { durability: 'disk', files }) }
}

test('a flush resolves when its lines are synced, and not before', async () => {
  const { journal, files } = onDisk()
  const gate = deferred()
  files.gate = gate.promise
  let isFlushed = false
  journal.append(lineOf(0))
  const flushed = journal.flush().then(() => (isFlushed = true))

  await idle()
  expect(files.content).toBe(textOf(0, 0))
  expect(isFlushed).toBe(false)
  gate.resolve()
  await flushed
  expect(files.durable).toBe(textOf(0, 0))
  await journal.close()
})

test('flushes that come during a sync share the next one', async () => {
  const { journal, files } = onDisk()
  const flushes: Promise<void>[] = []
  for (let seq = 0; seq < 1000; seq++) {
    journal.append(lineOf(seq))
    flushes.push(journal.flush())
  }
  await Promise.all(flushes)

  expect(files.syncCount).toBe(2)
  expect(files.durable).toBe(textOf(0, 999))
  await journal.close()
})

test('a flush during a sync that covers everything waits for that one', async () => {
  const { journal, files } = onDisk()
  journal.append(lineOf(0))
  await Promise.all([journal.flush(), journal.flush(), journal.flush()])

  expect(files.syncCount).toBe(1)
  await journal.close()
})

test('a flush with nothing new syncs nothing', async () => {
  const { journal, files } = onDisk()
  await journal.flush()
  journal.append(lineOf(0))
  await journal.flush()
  await journal.flush()
  await journal.close()

  expect(files.syncCount).toBe(1)
})

test('lines are written at the end of the tick without a flush, and synced from 4 MiB on', async () => {
  const { journal, files } = onDisk()
  journal.append(lineOf(0))
  await idle()
  expect(files.content).toBe(textOf(0, 0))
  expect(files.syncCount).toBe(0)

  for (let seq = 1; seq <= 64; seq++) journal.append(lineOf(seq, 'x'.repeat(64 * 1024)))
  await idle()
  expect(files.syncCount).toBe(1)
  expect(files.durable).toBe(files.content)
  await journal.close()
})

test('close waits for lines that come while it syncs', async () => {
  const { journal, files } = onDisk()
  journal.append(lineOf(0))
  const closed = journal.close()
  journal.append(lineOf(1))
  await closed

  expect(files.durable).toBe(textOf(0, 1))
})

test('a failed sync rejects all who share it; the next flush writes again what the system forgot', async () => {
  const { journal, files } = onDisk()
  journal.append(lineOf(0))
  await journal.flush()
  files.syncs = ['EIO', 'EIO']
  journal.append(lineOf(1))
  const first = journal.flush()
  journal.append(lineOf(2))
  const second = [journal.flush(), journal.flush()]

  for (const flush of [first, ...second]) {
    expect(await rejection(flush)).toMatchObject({
      code: 'JOURNAL_FAILED',
      message: "The journal a.jsonl can't be written: EIO: as told.",
      data: { path: 'a.jsonl' },
      cause: { code: 'EIO' },
    })
  }
  expect(files.durable).toBe(textOf(0, 0))
  journal.append(lineOf(3))
  await journal.flush()
  expect(files.durable).toBe(textOf(0, 3))
  expect(files.content).toBe(textOf(0, 3))
  await journal.close()
})

test('a failed sync that nobody asked for is cured or told by the next flush', async () => {
  const { journal, files } = onDisk()
  files.syncs = ['EIO']
  for (let seq = 0; seq < 64; seq++) journal.append(lineOf(seq, 'x'.repeat(64 * 1024)))
  await idle()
  expect(files.durable).toBe('')
  await journal.flush()

  expect(files.durable.split('\n')).toHaveLength(65)
  expect(files.durable).toBe(files.content)
  await journal.close()
})

test('flushes are rejected until a file that can not be cut can be cut again', async () => {
  const { journal, files } = onDisk()
  files.syncs = ['EIO']
  files.truncateFails = 'EROFS'
  journal.append(lineOf(0))
  expect(await rejection(journal.flush())).toMatchObject({ cause: { code: 'EIO' } })
  journal.append(lineOf(1))
  expect(await rejection(journal.flush())).toMatchObject({ cause: { code: 'EROFS' } })
  files.truncateFails = undefined
  await journal.flush()

  expect(files.durable).toBe(textOf(0, 1))
  await journal.close()
})

test('a line that was written in part during a sync that fails is written once', async () => {
  const { journal, files } = onDisk()
  files.syncs = ['EIO']
  files.appends = [1000, 5, 'ENOSPC', 'ENOSPC']
  journal.append(lineOf(0))
  const failed = rejection(journal.flush())
  journal.append('x'.repeat(64 * 1024))
  expect(files.content).toBe(`${lineOf(0)}\nxxxxx`)
  await failed
  await journal.flush()

  expect(files.durable).toBe(`${lineOf(0)}\n${'x'.repeat(64 * 1024)}\n`)
  await journal.close()
})

test('a sync that begins when close has failed ends before the file is closed, and none comes later', async () => {
  const files = new FaultyFiles()
  let isOpen = true
  const used: string[] = []
  const open = (): JournalFile => {
    const file = files.open()
    const told = <T>(name: string, work: () => T): T => {
      if (!isOpen) used.push(name)
      return work()
    }
    return {
      ...file,
      append: (bytes) => told('append', () => file.append(bytes)),
      truncate: (size) => told('truncate', () => file.truncate(size)),
      datasync: () => told('datasync', () => file.datasync().finally(() => told('end of datasync', () => 0))),
      close: () => (isOpen = false),
    }
  }
  const watched = Object.assign(new FaultyFiles(), { open })
  const journal = jsonlJournal('a.jsonl', { durability: 'disk', files: watched })
  files.syncs = ['EIO', 'EIO', 'EIO']
  journal.append(lineOf(0))
  const first = rejection(journal.flush())
  const closed = rejection(journal.close())
  journal.append(lineOf(1))
  const second = rejection(journal.flush())

  for (const end of [first, second, closed, rejection(journal.flush())])
    expect(await end).toMatchObject({ code: 'JOURNAL_FAILED' })
  await idle()
  expect(used).toEqual([])
})
