import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JournalRecord } from 'busline'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Journal } from '../../src/bus/journal.ts'
import { jsonlJournal } from '../../src/journal/jsonl-journal.ts'
import { rejection } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { FaultyFiles } from './fixtures/faulty-files.ts'
import { lineOf, textOf } from './fixtures/line-of.ts'
import { readAll } from './fixtures/read-all.ts'

const MIB = 1024 * 1024

let heard: unknown[]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  heard = warnings()
  return () => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  }
})

function buffered(): { journal: Journal; files: FaultyFiles } {
  const files = new FaultyFiles()
  return { files, journal: jsonlJournal('a.jsonl', { durability: 'buffered', files }) }
}

/** The warnings of this process from here on; they do not reach stderr. */
function warnings(): unknown[] {
  const heard: unknown[] = []
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void heard.push(warning))
  return heard
}

async function recordsOf(content: string): Promise<JournalRecord[]> {
  const path = join(temporaryFolder(), 'copy.jsonl')
  writeFileSync(path, content)
  return readAll(path)
}

describe('a buffered line', () => {
  test('is in the file after 25 ms, and not before', async () => {
    const { journal, files } = buffered()
    journal.append(lineOf(0))
    vi.advanceTimersByTime(20)
    journal.append(lineOf(1))
    vi.advanceTimersByTime(4)
    expect(files.content).toBe('')
    vi.advanceTimersByTime(1)
    expect(files.content).toBe(textOf(0, 1))

    journal.append(lineOf(2))
    vi.advanceTimersByTime(25)
    expect(files.content).toBe(textOf(0, 2))
    await journal.close()
  })

  test('is written at once when it makes 64 KiB', async () => {
    const { journal, files } = buffered()
    journal.append(lineOf(0))
    journal.append(lineOf(1, 'x'.repeat(64 * 1024)))

    expect(files.content.split('\n')).toHaveLength(3)
    await journal.close()
  })

  test('is not what a flush waits for', async () => {
    const { journal, files } = buffered()
    journal.append(lineOf(0))
    await journal.flush()

    expect(files.content).toBe('')
    await journal.close()
  })
})

describe('while a buffered journal can not write', () => {
  test('flush resolves, one warning is given, and lines are written when there is room again', async () => {
    const { journal, files } = buffered()
    files.appendFails = 'ENOSPC'
    for (let seq = 0; seq < 100; seq++) {
      journal.append(lineOf(seq))
      vi.advanceTimersByTime(25)
      await journal.flush()
    }
    files.appendFails = undefined
    vi.advanceTimersByTime(25)

    expect(files.content).toBe(textOf(0, 99))
    expect(heard).toEqual([
      "The journal a.jsonl can't be written: no space is left on the device. It goes on in memory; beyond 16 MiB lines are lost.",
    ])
    await journal.close()
  })

  test('a second outage gives a second warning', async () => {
    const { journal, files } = buffered()
    for (let seq = 0; seq < 2; seq++) {
      files.appendFails = 'EIO'
      journal.append(lineOf(seq))
      vi.advanceTimersByTime(50)
      files.appendFails = undefined
      vi.advanceTimersByTime(25)
    }

    expect(heard).toHaveLength(2)
    await journal.close()
  })

  test('a part of a write that was taken is not written twice', async () => {
    const { journal, files } = buffered()
    files.appends = [10, 'ENOSPC', 'EIO', 5]
    for (let seq = 0; seq < 3; seq++) journal.append(lineOf(seq))
    vi.advanceTimersByTime(100)

    expect(files.content).toBe(textOf(0, 2))
    await journal.close()
  })

  test('what comes beyond 16 MiB is lost, and a note in its place says which lines, so that readers accept the gap', async () => {
    const { journal, files } = buffered()
    journal.append(lineOf(0))
    vi.advanceTimersByTime(25)
    files.appendFails = 'ENOSPC'
    for (let seq = 1; seq <= 20; seq++) journal.append(lineOf(seq, 'x'.repeat(MIB)))
    // Small enough to fit, but after the gap has begun.
    journal.append(lineOf(21))
    files.appendFails = undefined
    vi.advanceTimersByTime(25)
    journal.append(lineOf(22))
    await journal.close()

    const records = await recordsOf(files.content)
    expect(records.map(({ seq }) => seq)).toEqual([...Array(16).keys(), 21, 22])
    expect(records[16]).toEqual({
      seq: 21,
      time: 21.5,
      kind: 'note',
      type: 'bus.lost',
      data: { lost: 6, from: 16, to: 21 },
    })
  })

  test('the note comes at close when writing works again only then; the next journal goes on after it', async () => {
    const { journal, files } = buffered()
    files.appendFails = 'EIO'
    for (let seq = 0; seq < 20; seq++) journal.append(lineOf(seq, 'x'.repeat(MIB)))
    files.appendFails = undefined
    await journal.close()

    expect((await recordsOf(files.content)).at(-1)).toMatchObject({
      type: 'bus.lost',
      data: { lost: 5, from: 15, to: 19 },
    })
    files.appendFails = undefined
    expect(jsonlJournal('a.jsonl', { files }).continues).toEqual({ nextSeq: 20, cutBytes: 0 })
  })

  test('each outage that loses lines has a note of its own', async () => {
    const { journal, files } = buffered()
    let seq = 0
    for (let outage = 0; outage < 2; outage++) {
      files.appendFails = 'ENOSPC'
      for (let line = 0; line < 18; line++) journal.append(lineOf(seq++, 'x'.repeat(MIB)))
      files.appendFails = undefined
      vi.advanceTimersByTime(25)
    }
    await journal.close()

    const notes = (await recordsOf(files.content)).filter(({ kind }) => kind === 'note')
    expect(notes.map(({ data }) => data)).toEqual([
      { lost: 3, from: 15, to: 17 },
      { lost: 3, from: 33, to: 35 },
    ])
  })

  test('a line without a seq is kept: its loss could not be told', async () => {
    const { journal, files } = buffered()
    files.appendFails = 'EIO'
    for (let n = 0; n < 17; n++) journal.append('x'.repeat(MIB))
    files.appendFails = undefined
    await journal.close()

    expect(files.content).toHaveLength(17 * (MIB + 1))
  })

  test('at close too, close rejects with JOURNAL_FAILED', async () => {
    const { journal, files } = buffered()
    files.appendFails = 'EIO'
    journal.append(lineOf(0))

    expect(await rejection(journal.close())).toMatchObject({ code: 'JOURNAL_FAILED' })
    expect(vi.getTimerCount()).toBe(0)
  })
})
