import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  jsonlJournal,
  MessageBus,
  type Durability,
  type JournalFiles,
  type JournalRecord,
  type JsonlJournalOptions,
} from 'busline'
import { followJournal, readJournal, scanJournal, segmentsOf, verifyJournal } from 'busline/journal'
import { simulatedFiles } from 'busline/testing'
import { describe, expect, test, vi } from 'vitest'
import { nodeFiles } from '../../src/journal/node-files.ts'
import { Carried, Greeted } from '../bus/fixtures/greeting.ts'
import { idle, rejection, thrownBy } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { linesOf, readAll } from './fixtures/read-all.ts'

const CLASSES: readonly Durability[] = ['buffered', 'process', 'disk']
const SMALL = { rotate: { bytes: 2000 } }

const journalPath = (): string => join(temporaryFolder(), 'a.jsonl')
const namesIn = (path: string): string[] => readdirSync(join(path, '..')).toSorted()

/** Publishes so many lines of about 150 bytes; each five are flushed. */
async function publishOn(
  path: string,
  count: number,
  options: JsonlJournalOptions = SMALL,
  run = 'run',
): Promise<void> {
  const journal = jsonlJournal(path, options)
  await using bus = new MessageBus({ journal, newId: () => run })
  for (let n = 0; n < count; n++) {
    bus.publish(Greeted, { name: `${run} ${n} ${'x'.repeat(40)}` })
    if (n % 5 === 0) await journal.flush()
  }
}

function namesOf(records: readonly JournalRecord[]): unknown[] {
  return records
    .filter(({ kind }) => kind === 'event')
    .map(({ data }) => JSON.stringify(data).split(' ', 2).join(' '))
}

function expectedNames(count: number, run = 'run'): string[] {
  return Array.from({ length: count }, (_, n) => `{"name":"${run} ${n}`)
}

describe.each(CLASSES)('a journal of class %s that is rotated', (durability) => {
  const options = { durability, rotate: { bytes: 2000 } }

  test('is a row of files, each with a header of its own, seq without a gap, and every line once', async () => {
    const path = journalPath()
    await publishOn(path, 100, options)

    const segments = segmentsOf(path)
    expect(segments.map((file) => basename(file)).slice(0, 2)).toEqual(['a.00001.jsonl', 'a.00002.jsonl'])
    expect(segments.at(-1)).toBe(path)
    expect(segments.length).toBeGreaterThan(4)
    let seq = 0
    for (const [index, file] of segments.entries()) {
      const [header, ...records] = linesOf(file).map((line): JournalRecord => JSON.parse(line))
      expect(header).toMatchObject({ v: 1, kind: 'header', type: 'busline.journal', data: { run: 'run' } })
      expect(header?.data).toEqual(
        index === 0
          ? expect.not.objectContaining({ segment: 1 })
          : expect.objectContaining({ segment: index + 1 }),
      )
      for (const record of [header, ...records]) expect(record?.seq).toBe(seq++)
    }
    const records = await readAll(path)
    expect(records).toHaveLength(seq)
    expect(namesOf(records)).toEqual(expectedNames(100))
  })

  test('goes on after its process has ended: numbers, seq and the name of the run', async () => {
    const path = journalPath()
    await publishOn(path, 40, options, 'first')
    const before = segmentsOf(path).length
    await publishOn(path, 40, options, 'second')

    const records = await readAll(path)
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index))
    expect(namesOf(records)).toEqual([...expectedNames(40, 'first'), ...expectedNames(40, 'second')])
    expect(segmentsOf(path).length).toBeGreaterThan(before + 1)
    const headers = records.filter(({ kind }) => kind === 'header')
    expect(headers.map(({ data }) => data)).toEqual(
      headers.map((_, index) =>
        expect.objectContaining({ run: 'first', ...(index > 0 && { segment: index + 1 }) }),
      ),
    )
  })

  test('is held by its process over all its files', async () => {
    const path = journalPath()
    const bus = new MessageBus({ journal: jsonlJournal(path, options) })
    for (let n = 0; n < 40; n++) bus.publish(Greeted, { name: 'x'.repeat(100) })
    await idle(3)

    expect(thrownBy(() => jsonlJournal(path))).toMatchObject({ code: 'JOURNAL_IN_USE' })
    await bus.stop()
    expect(namesIn(path).filter((name) => !name.endsWith('.jsonl'))).toEqual([])
  })

  test('has its blobs in one folder, for all its files', async () => {
    const path = journalPath()
    const values = Array.from({ length: 30 }, (_, n) => ({ n, text: `${n % 3}`.repeat(9000) }))
    {
      const journal = jsonlJournal(path, options)
      await using bus = new MessageBus({ journal })
      for (const value of values) {
        bus.publish(Carried, value)
        await journal.flush()
      }
    }

    expect(segmentsOf(path).length).toBeGreaterThan(2)
    expect(readdirSync(path.replace('.jsonl', '.blobs'))).toHaveLength(3)
    const records = await readAll(path)
    expect(records.filter(({ kind }) => kind === 'event').map(({ data }) => data)).toEqual(values)
    const [first = ''] = segmentsOf(path)
    expect((await readAll(first))[1]?.data).toEqual(values[0])
  })
})

describe('a segment', () => {
  test('is full by age too: the first line after that is its last', async () => {
    const path = journalPath()
    let time = 1_000_000
    {
      const journal = jsonlJournal(path, { rotate: { ms: 60_000 }, now: () => time })
      await using bus = new MessageBus({ journal, now: () => time })
      bus.publish(Greeted, { name: 'a' })
      time += 59_999
      bus.publish(Greeted, { name: 'b' })
      time += 1
      bus.publish(Greeted, { name: 'c' })
      bus.publish(Greeted, { name: 'd' })
    }

    expect(segmentsOf(path).map((file) => linesOf(file).length)).toEqual([4, 2])
  })

  test('of an earlier process has the age that its header tells', async () => {
    const path = journalPath()
    let time = 1_000_000
    for (const name of ['a', 'b']) {
      const journal = jsonlJournal(path, { rotate: { ms: 60_000 }, now: () => time })
      await using bus = new MessageBus({ journal, now: () => time })
      bus.publish(Greeted, { name })
      time += 60_000
    }

    expect(segmentsOf(path).map((file) => linesOf(file).length)).toEqual([4, 1])
  })

  test('counts bytes, not characters', async () => {
    const path = journalPath()
    {
      await using bus = new MessageBus({ journal: jsonlJournal(path, { rotate: { bytes: 300_000 } }) })
      for (let n = 0; n < 200; n++) bus.publish(Greeted, { name: '語'.repeat(1000) })
    }

    // One that counted characters would have one file of 620 kB.
    expect(segmentsOf(path).length).toBeGreaterThan(1)
  })

  test('takes a line that is longer than itself as a whole', async () => {
    const path = journalPath()
    {
      await using bus = new MessageBus({ journal: jsonlJournal(path, { ...SMALL, blobs: false }) })
      for (let n = 0; n < 3; n++) bus.publish(Greeted, { name: 'x'.repeat(5000) })
    }

    expect(segmentsOf(path).map((file) => linesOf(file).length)).toEqual([2, 2, 2, 1])
  })

  test('never takes the name of a file that is there', async () => {
    const path = journalPath()
    writeFileSync(path.replace('.jsonl', '.00001.jsonl'), 'mine\n')
    const file = jsonlJournalWithoutLooking(path)
    for (let n = 0; n < 3; n++) file.publish(Greeted, { name: 'x'.repeat(1000) })
    await file.stop()

    expect(readFileSync(path.replace('.jsonl', '.00001.jsonl'), 'utf8')).toBe('mine\n')
    expect(existsSync(path.replace('.jsonl', '.00002.jsonl'))).toBe(true)
  })
})

/** A bus whose journal saw no segment when it was opened. */
function jsonlJournalWithoutLooking(path: string): MessageBus {
  const files: JournalFiles = { ...nodeFiles, list: () => [] }
  return new MessageBus({ journal: jsonlJournal(path, { ...SMALL, files }) })
}

test('a tap gets the headers in their place', async () => {
  const tapped: number[] = []
  await using bus = new MessageBus({ journal: jsonlJournal(journalPath(), SMALL) })
  bus.tap(({ seq }) => tapped.push(seq))
  bus.tap(({ kind, data }) => {
    if (kind === 'event' && JSON.stringify(data).startsWith('{"name":"first'))
      bus.publish(Greeted, { name: 'again' })
  })
  for (let n = 0; n < 60; n++) bus.publish(Greeted, { name: `first ${'x'.repeat(100)}` })

  expect(tapped.length).toBeGreaterThan(120)
  expect(tapped).toEqual(tapped.map((_, index) => index + 1))
})

test.each(CLASSES)(
  'what a tap publishes, and that it fails, when it is shown a header comes after it: class %s',
  async (durability) => {
    const path = journalPath()
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    {
      const journal = jsonlJournal(path, { ...SMALL, durability, keep: { segments: 1 } })
      await using bus = new MessageBus({ journal })
      bus.tap(({ kind, seq }) => {
        if (kind === 'header') bus.publish(Carried, { n: seq, text: `${seq} `.repeat(3000) })
      })
      bus.tap(({ kind, seq }) => {
        if (kind === 'header' && seq > 20) throw new Error('no headers')
      })
      for (let n = 0; n < 60; n++) {
        bus.publish(Greeted, { name: 'x'.repeat(100) })
        await journal.flush()
      }
    }
    warn.mockRestore()

    const records = await readAll(path)
    const [first = 0] = records.map(({ seq }) => seq)
    expect(first).toBeGreaterThan(20)
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => first + index))
    expect(records[1]).toMatchObject({ data: { n: first } })
  },
)

test('a line that comes while a journal that closes looks for blobs to delete is written', async () => {
  const path = journalPath()
  await publishOn(path, 100)
  const journal = jsonlJournal(path, { ...SMALL, durability: 'buffered', keep: { segments: 5 } })
  const bus = new MessageBus({ journal })
  bus.publish(Carried, { text: 'x'.repeat(10_000) })
  for (let n = 0; n < 20; n++) bus.publish(Greeted, { name: 'x'.repeat(100) })
  const closed = journal.close()
  await idle(2)
  journal.append('{"seq":999}')
  await closed
  await bus.stop()

  expect(linesOf(path).at(-1)).toBe('{"seq":999}')
})

describe('a writer that was killed between two files', () => {
  test.each([
    [
      'before the new one was there',
      (path: string) => renameSync(path, path.replace('.jsonl', '.00009.jsonl')),
    ],
    [
      'before the new one had a line',
      (path: string) => {
        renameSync(path, path.replace('.jsonl', '.00009.jsonl'))
        writeFileSync(path, '')
      },
    ],
    [
      'in the middle of its header',
      (path: string) => {
        renameSync(path, path.replace('.jsonl', '.00009.jsonl'))
        writeFileSync(path, '{"v":1,"se')
      },
    ],
  ])('is followed by one that goes on with the next number, seq and run: %s', async (_, kill) => {
    for (const options of [SMALL, {}]) {
      const path = journalPath()
      await publishOn(path, 5, {}, 'first')
      kill(path)
      const before = (await readAll(path)).length
      await publishOn(path, 5, options, 'second')

      const records = await readAll(path)
      expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index))
      expect(namesOf(records)).toEqual([...expectedNames(5, 'first'), ...expectedNames(5, 'second')])
      expect(records[before]).toMatchObject({ v: 1, kind: 'header', data: { run: 'first', segment: 10 } })
      expect(records.slice(before + 1, before + 3).map(({ type }) => type)).toContain('bus.opened')
    }
  })
})

describe('a file that can not be exchanged', () => {
  test.each(['renameError', 'createError'] as const)(
    'is written on, with one warning, until it can: %s',
    async (fault) => {
      const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
      const files = simulatedFiles({ faults: { [fault]: 1 } })
      const bus = new MessageBus({ journal: jsonlJournal('/a.jsonl', { ...SMALL, files }) })
      const say = (times: number): void => {
        for (let n = 0; n < times; n++) bus.publish(Greeted, { name: 'x'.repeat(100) })
      }
      say(1000)
      const { calls } = warn.mock
      expect(
        calls.filter(([, options]) => JSON.stringify(options).includes('JOURNAL_ROTATION')),
      ).toHaveLength(1)
      files.faults = {}
      say(1000)
      await bus.stop()
      warn.mockRestore()

      const names = files
        .list('/')
        .toSorted((a, b) => (a === 'a.jsonl' ? 1 : b === 'a.jsonl' ? -1 : a < b ? -1 : 1))
      const seqs = names.flatMap((name) =>
        files
          .read(`/${name}`)
          .split('\n')
          .slice(0, -1)
          .map((line): number => JSON.parse(line).seq),
      )
      expect(names.length).toBeGreaterThan(2)
      expect(seqs).toEqual(seqs.map((_, index) => index))
      expect(seqs.length).toBeGreaterThan(2000)
    },
  )
})

test('a file that somebody has put in the place of the one that is written is left alone, and no line is lost', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  const path = journalPath()
  const bus = new MessageBus({ journal: jsonlJournal(path, SMALL) })
  renameSync(path, `${path}.moved`)
  writeFileSync(path, 'not ours')
  for (let n = 0; n < 60; n++) bus.publish(Greeted, { name: 'x'.repeat(100) })
  await bus.stop()
  const told = warn.mock.calls.map(([message]) => String(message))
  warn.mockRestore()

  expect(told).toEqual([expect.stringContaining('another file has taken its name')])
  expect(readFileSync(path, 'utf8')).toBe('not ours')
  expect(namesIn(path)).toEqual(['a.jsonl', 'a.jsonl.moved'])
  expect(linesOf(`${path}.moved`)).toHaveLength(61)
})

describe('segmentsOf', () => {
  test('lists full segments by number, then the file; other files are not of the run', () => {
    const path = journalPath()
    const folder = join(path, '..')
    for (const name of [
      'a.100000.jsonl',
      'a.00002.jsonl',
      'a.jsonl',
      'ab.00001.jsonl',
      'a.1.jsonl',
      'a.00003.json',
    ])
      writeFileSync(join(folder, name), '')
    const data = { run: 'run', segment: 100_000 }
    const header = { v: 1, seq: 9, time: 1, kind: 'header', type: 'busline.journal', data }
    writeFileSync(join(folder, 'a.100000.jsonl'), `${JSON.stringify(header)}\n`)
    mkdirSync(join(folder, 'a.blobs'))

    const names = ['a.00002.jsonl', 'a.100000.jsonl', 'a.jsonl'].map((name) => join(folder, name))
    expect(segmentsOf(path)).toEqual(names)
    expect(segmentsOf(join(folder, 'a.00002.jsonl'))).toEqual([join(folder, 'a.00002.jsonl')])
    expect(segmentsOf(join(folder, 'nothing', 'b.jsonl'))).toEqual([join(folder, 'nothing', 'b.jsonl')])
  })
})

describe('options that make no sense are refused with their name:', () => {
  test.each([
    ['rotate', { rotate: {} }],
    ['rotate', { rotate: { size: 5000 } }],
    ['rotate.bytes', { rotate: { bytes: 10 } }],
    ['rotate.ms', { rotate: { ms: 0 } }],
    ['keep', { keep: { segments: 3 } }],
    ['keep', { rotate: { bytes: 5000 }, keep: {} }],
    ['keep.segments', { rotate: { bytes: 5000 }, keep: { segments: -1 } }],
    ['durability', { durability: 'forever' }],
  ])('%s', (option, options) => {
    const given: JsonlJournalOptions = JSON.parse(JSON.stringify(options))
    expect(thrownBy(() => jsonlJournal(journalPath(), given))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option },
    })
  })

  test('a path that is a full segment', () => {
    expect(thrownBy(() => jsonlJournal(join(temporaryFolder(), 'a.00001.jsonl')))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option: 'path' },
    })
  })
})

describe('keep', () => {
  const rotate = { bytes: 2000 }

  test('leaves so many full segments, and readers begin with the first that is left', async () => {
    const path = journalPath()
    await publishOn(path, 100, { rotate, keep: { segments: 2 } })

    expect(segmentsOf(path)).toHaveLength(3)
    const records = await readAll(path)
    expect(records[0]).toMatchObject({ kind: 'header', data: { run: 'run' } })
    expect(records[0]?.seq).toBeGreaterThan(50)
    expect(namesOf(records)).toEqual(expectedNames(100).slice(-namesOf(records).length))
  })

  test('leaves so many bytes of them', async () => {
    const path = journalPath()
    await publishOn(path, 100, { rotate, keep: { bytes: 5000 } })

    expect(segmentsOf(path)).toHaveLength(3)
  })

  test('leaves those that were written lately', async () => {
    const path = journalPath()
    let time = Date.now()
    await publishOn(path, 50, { rotate, keep: { ms: 60_000 }, now: () => time })
    const before = segmentsOf(path).length
    time += 120_000
    await publishOn(path, 20, { rotate, keep: { ms: 60_000 }, now: () => time })

    expect(before).toBeGreaterThan(3)
    expect(segmentsOf(path)).toHaveLength(1)
    expect(linesOf(path)[0]).toContain('"kind":"header"')
  })

  test('0 segments leaves the file alone, whose numbers go on in the next process', async () => {
    const path = journalPath()
    for (const run of ['first', 'second']) await publishOn(path, 50, { rotate, keep: { segments: 0 } }, run)

    const [header] = await readAll(path)
    expect(segmentsOf(path)).toEqual([path])
    expect(header).toMatchObject({ kind: 'header', data: { run: 'first' } })
    expect(JSON.stringify(header)).toMatch(/"segment":(8|9|\d\d)\}/)
  })

  test('deletes the blobs that only deleted segments refer to, also those of an earlier process', async () => {
    const path = journalPath()
    const options = { rotate, keep: { segments: 2 } }
    for (const run of ['first', 'second', 'third']) {
      await using bus = new MessageBus({ journal: jsonlJournal(path, options), newId: () => run })
      for (let n = 0; n < 30; n++)
        bus.publish(Carried, { always: 'a'.repeat(9000), once: `${run} ${n} ${'x'.repeat(9000)}` })
      await idle(3)
    }

    const records = await readAll(path)
    const referred = new Set((await readAll(path, { blobs: 'keep' })).flatMap(hashesOf))
    expect(records.length).toBeGreaterThan(5)
    expect(new Set(readdirSync(path.replace('.jsonl', '.blobs')))).toEqual(referred)
  })

  test.each(CLASSES)(
    'deletes no blob that is still to be synced, nor fails for one that is gone: class %s',
    async (durability) => {
      const files = simulatedFiles()
      const journal = jsonlJournal('/a.jsonl', { rotate, keep: { segments: 0 }, durability, files })
      const bus = new MessageBus({ journal })
      for (let n = 0; n < 60; n++) {
        bus.publish(Carried, `${n} ${'x'.repeat(9000)}`)
        if (n % 7 === 0) await journal.flush()
        else await idle(n % 3)
      }
      await bus.stop()

      const referred = Array.from(
        files.read('/a.jsonl').matchAll(/sha256-[0-9a-f]+/g),
        ([hash]) => `${hash}.json`,
      )
      expect(files.list('/')).toEqual(['a.jsonl'])
      expect(new Set(files.list('/a.blobs'))).toEqual(new Set(referred))
    },
  )

  test('warns once when a segment can not be deleted, and goes on', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const files = simulatedFiles({ faults: { removeError: 1 } })
    const bus = new MessageBus({
      journal: jsonlJournal('/a.jsonl', { rotate, keep: { segments: 1 }, files }),
    })
    for (let n = 0; n < 100; n++) bus.publish(Greeted, { name: 'x'.repeat(100) })
    await bus.stop()

    const told = warn.mock.calls.filter(([, options]) =>
      JSON.stringify(options).includes('JOURNAL_RETENTION'),
    )
    warn.mockRestore()
    expect(told).toHaveLength(1)
    expect(files.list('/').length).toBeGreaterThan(5)
  })
})

function hashesOf({ data }: JournalRecord): string[] {
  return Array.from(JSON.stringify(data).matchAll(/sha256-[0-9a-f]+/g), ([hash]) => `${hash}.json`)
}

test('a rotated journal that can not be written fails its effects, and has every line when it can', async () => {
  const files = simulatedFiles({ room: 3000 })
  const journal = jsonlJournal('/a.jsonl', { ...SMALL, files })
  const bus = new MessageBus({ journal })
  for (let n = 0; n < 60; n++) bus.publish(Greeted, { name: 'x'.repeat(100) })
  expect(await rejection(journal.flush())).toMatchObject({
    code: 'JOURNAL_FAILED',
    cause: { code: 'ENOSPC' },
  })
  files.room = Infinity
  await bus.stop()

  const text = files
    .list('/')
    .toSorted()
    .map((name) => files.read(`/${name}`))
  expect(text.join('').split('"kind":"event"')).toHaveLength(61)
})

describe('a file of somebody else that is named like a segment', () => {
  const COPY = 'a copy of the journal'
  test.each([
    ['a.20240115.jsonl', '{"seq":1,"level":"info"}\n'],
    ['a.20240115.jsonl', COPY],
    ['a.240115.jsonl', 'plain text\n'],
    ['a.12345.jsonl', '{"level":"info"}\n'],
    ['a.12345.jsonl', COPY],
    ['a.00000.jsonl', '{"level":"info"}\n'],
  ])('%s with %j is not read, not counted, and never deleted', async (name, text) => {
    const path = journalPath()
    const keep = { segments: 2 }
    await publishOn(path, 20)
    const foreign = join(path, '..', name)
    writeFileSync(foreign, text === COPY ? readFileSync(segmentsOf(path)[0] ?? '') : text)
    const before = readFileSync(foreign)
    const full = segmentsOf(path).length
    await publishOn(path, 40, { ...SMALL, keep }, 'later')

    const segments = segmentsOf(path).map((file) => basename(file))
    expect(segments).not.toContain(name)
    expect(segments).toHaveLength(3)
    const last = Number(segments.at(-2)?.split('.')[1])
    expect(last).toBeGreaterThan(full)
    expect(last).toBeLessThan(100)
    expect(namesOf(await readAll(path)).at(-1)).toBe('{"name":"later 39')
    expect(readFileSync(foreign)).toEqual(before)
  })

  test('is not deleted where it stands among segments, and a warning tells so', async () => {
    const path = journalPath()
    await publishOn(path, 60)
    const [first = ''] = segmentsOf(path)
    const second = join(path, '..', 'a.00002.jsonl')
    writeFileSync(second, 'somebody has written over it\n')
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    await publishOn(path, 20, { ...SMALL, keep: { segments: 1 } }, 'later')

    expect(existsSync(first)).toBe(false)
    expect(readFileSync(second, 'utf8')).toBe('somebody has written over it\n')
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('does not begin with a header'), {
      code: 'BUSLINE_JOURNAL_RETENTION',
    })
    warn.mockRestore()
  })
})

describe('a reader that is slower than keep', () => {
  const keep = { segments: 2 }

  /** A run in many segments, of which the reader has read the first line when all but the last are deleted. */
  async function overtaken(
    read: (path: string) => AsyncIterator<unknown>,
  ): Promise<{ path: string; rest: Promise<unknown> }> {
    const path = journalPath()
    await publishOn(path, 80)
    const records = read(path)
    await records.next()
    await publishOn(path, 40, { ...SMALL, keep }, 'later')
    const all = async (): Promise<void> => {
      while ((await records.next()).done !== true);
    }
    return { path, rest: rejection(all()) }
  }

  test.each([
    ['readJournal', (path: string) => readJournal(path)],
    ['scanJournal', (path: string) => scanJournal(path)],
    ['followJournal', (path: string) => followJournal(path, { live: false })],
  ])('is told by %s what is there no more, and not that it is damaged', async (_name, read) => {
    const { path, rest } = await overtaken((of) => read(of)[Symbol.asyncIterator]())
    const [first] = await readAll(path)
    expect(await rest).toMatchObject({
      code: 'MESSAGE_NOT_IN_RUN',
      data: { path, oldest: first?.seq },
    })
  })

  test('finds no damage when it verifies', async () => {
    const path = journalPath()
    await publishOn(path, 80)
    const full = segmentsOf(path)
    const verified = verifyJournal(path)
    for (const file of full.slice(1, 4)) rmSync(file)
    const { ok, findings } = await verified
    expect(ok).toBe(true)
    expect(findings.map(({ kind }) => kind)).toEqual(['pruned'])
  })
})

describe('a journal beside one of the same name, with or without .jsonl', () => {
  test.each([
    ['desk', 'desk.jsonl'],
    ['desk.jsonl', 'desk'],
  ])('%s and then %s is refused, whether that is written still or not', async (first, second) => {
    const folder = temporaryFolder()
    const journal = jsonlJournal(join(folder, first))
    const bus = new MessageBus({ journal })
    const isRefused = (): void =>
      expect(thrownBy(() => jsonlJournal(join(folder, second)))).toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(join(folder, first)),
      })
    isRefused()
    await bus.stop()
    isRefused()
    expect(readdirSync(folder)).toEqual([first])
  })

  test('is none where that is a folder, or no journal', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'desk'))
    writeFileSync(join(folder, 'note'), 'buy milk')
    for (const name of ['desk.jsonl', 'note.jsonl']) await jsonlJournal(join(folder, name)).close()
    expect(readdirSync(folder).toSorted()).toEqual(['desk', 'desk.jsonl', 'note', 'note.jsonl'])
  })
})
