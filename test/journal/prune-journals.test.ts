import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { jsonlJournal, MessageBus } from 'busline'
import { pruneJournals, recoverJournal, segmentsOf, type PruneOptions } from 'busline/journal'
import { describe, expect, test } from 'vitest'
import { Carried, Greeted } from '../bus/fixtures/greeting.ts'
import { rejection } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { readAll } from './fixtures/read-all.ts'

const DAY = 86_400_000
const NOW = 1_800_000_000_000
const now = (): number => NOW

/** A run that was last written so many days ago, of several files and with a blob of 9 kB. */
async function runOf(folder: string, name: string, days: number): Promise<string> {
  const path = join(folder, `${name}.jsonl`)
  {
    await using bus = new MessageBus({ journal: jsonlJournal(path, { rotate: { bytes: 1024 } }) })
    bus.publish(Carried, { text: name.repeat(9000 / name.length) })
    for (let n = 0; n < 20; n++) bus.publish(Greeted, { name: 'x'.repeat(50) })
  }
  const written = (NOW - days * DAY) / 1000
  for (const file of segmentsOf(path)) utimesSync(file, written, written)
  return path
}

/** Four runs: of today, yesterday, 10 and 40 days ago. */
async function logs(): Promise<{ folder: string; paths: string[] }> {
  const folder = temporaryFolder()
  const paths: string[] = []
  for (const [name, days] of Object.entries({ aa: 40, bb: 10, cc: 1, dd: 0 }))
    paths.unshift(await runOf(folder, name, days))
  return { folder, paths }
}

describe('runs that go:', () => {
  test.each<[string, PruneOptions, number]>([
    ['olderThan: those that nobody wrote to since', { olderThan: 5 * DAY }, 2],
    ['keep alone: all but the newest', { keep: 3 }, 3],
    ['olderThan and keep: the newest stay although they are old', { olderThan: DAY / 2, keep: 3 }, 3],
    ['maxBytes: the oldest until the others fit', { maxBytes: 31_000 }, 2],
    ['maxBytes and keep: the newest stay although they are big', { maxBytes: 0, keep: 1 }, 1],
    ['maxBytes and olderThan: what either says', { maxBytes: 45_000, olderThan: 5 * DAY }, 2],
    ['nothing when all fits', { maxBytes: 1e9, olderThan: 400 * DAY }, 4],
    ['all when none may stay', { keep: 0 }, 0],
  ])('%s', async (_, options, left) => {
    const { folder, paths } = await logs()
    const report = await pruneJournals(folder, { ...options, now })

    expect(report.runs.map(({ path }) => path)).toEqual(paths.slice(left))
    expect(report).toMatchObject({ kept: left, inUse: [], blobs: { count: 0, bytes: 0 } })
    const names = readdirSync(folder).map((name) => name.slice(0, 2))
    expect([...new Set(names)].toSorted()).toEqual(['dd', 'cc', 'bb', 'aa'].slice(0, left).toSorted())
    for (const path of paths.slice(0, left)) expect((await readAll(path)).length).toBeGreaterThan(20)
  })
})

test('the report tells the bytes of segments and blobs', async () => {
  const { folder, paths } = await logs()
  const [, , , oldest = ''] = paths
  const blobs = oldest.replace('.jsonl', '.blobs')
  const files = [...segmentsOf(oldest), ...readdirSync(blobs).map((name) => join(blobs, name))]
  const bytes = files.reduce((sum, file) => sum + readFileSync(file).length, 0)
  const report = await pruneJournals(folder, { olderThan: 30 * DAY, now })

  expect(report.runs).toEqual([{ path: oldest, bytes, changed: NOW - 40 * DAY }])
  expect(report.bytes).toBe(bytes)
  expect(files.some((file) => existsSync(file))).toBe(false)
})

test('a dry run tells the same and deletes nothing', async () => {
  const { folder } = await logs()
  const before = readdirSync(folder)
  const dry = await pruneJournals(folder, { olderThan: 5 * DAY, dryRun: true, now })

  expect(readdirSync(folder)).toEqual(before)
  expect(await pruneJournals(folder, { olderThan: 5 * DAY, now })).toEqual(dry)
})

test('a run that a live process writes stays, and is told', async () => {
  const { folder, paths } = await logs()
  const [, , , oldest = ''] = paths
  await using bus = new MessageBus({ journal: jsonlJournal(oldest) })
  bus.publish(Greeted, { name: 'Ada' })
  for (const dryRun of [true, false]) {
    const report = await pruneJournals(folder, { keep: 0, dryRun, now })
    expect(report).toMatchObject({ kept: 1, inUse: [oldest] })
    expect(report.runs).toHaveLength(3)
  }
  await bus.stop()

  expect((await readAll(oldest)).length).toBeGreaterThan(20)
  expect(readdirSync(folder).filter((name) => name.endsWith('.lock'))).toEqual([])
})

test('blobs go that no line of a run refers to, and the others stay', async () => {
  const { folder, paths } = await logs()
  const [newest = ''] = paths
  const blobs = newest.replace('.jsonl', '.blobs')
  const orphan = join(blobs, `sha256-${'0'.repeat(64)}.json`)
  writeFileSync(orphan, '"left by a killed process"')
  writeFileSync(join(blobs, 'mine.txt'), 'not a blob')
  const report = await pruneJournals(folder, { olderThan: 400 * DAY, now })

  expect(report).toMatchObject({ runs: [], blobs: { count: 1, bytes: 26 }, bytes: 26, kept: 4 })
  expect(existsSync(orphan)).toBe(false)
  expect(readdirSync(blobs)).toHaveLength(2)
  expect((await readAll(newest)).length).toBeGreaterThan(20)
})

test('a file that is no journal is never touched, whatever its name and age', async () => {
  const { folder } = await logs()
  writeFileSync(join(folder, 'data.jsonl'), '{"question":"?"}\n')
  writeFileSync(join(folder, 'empty.jsonl'), '')
  mkdirSync(join(folder, 'folder.jsonl'))
  mkdirSync(join(folder, 'aa.blobs', 'folder'))
  await pruneJournals(folder, { keep: 0, now })

  expect(readdirSync(folder).toSorted()).toEqual(['aa.blobs', 'data.jsonl', 'empty.jsonl', 'folder.jsonl'])
  expect(readdirSync(join(folder, 'aa.blobs'))).toEqual(['folder'])
})

describe('refused:', () => {
  test.each<[string, PruneOptions]>([
    ['olderThan', {}],
    ['olderThan', { dryRun: true }],
    ['olderThan', { olderThan: NaN }],
    ['keep', { keep: 1.5 }],
    ['maxBytes', { maxBytes: -1 }],
  ])('%s of %j is INVALID_OPTION', async (option, options) => {
    expect(await rejection(pruneJournals(temporaryFolder(), options))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option },
    })
  })

  test('a folder that is not there is FILE_FAILED', async () => {
    const path = join(temporaryFolder(), 'nowhere')
    expect(await rejection(pruneJournals(path, { keep: 1 }))).toMatchObject({
      code: 'FILE_FAILED',
      message: expect.stringContaining('it does not exist'),
      data: { path },
    })
  })
})

test('symbolic links, and what they name, are no runs of the folder', async () => {
  const { folder, paths } = await logs()
  const elsewhere = await runOf(temporaryFolder(), 'ee', 100)
  const blobs = elsewhere.replace('.jsonl', '.blobs')
  symlinkSync(elsewhere, join(folder, 'ee.jsonl'))
  symlinkSync('dd.jsonl', join(folder, 'latest.jsonl'))
  symlinkSync(blobs, join(folder, 'ff.blobs'))
  writeFileSync(join(folder, 'ff.jsonl'), readFileSync(paths[3] ?? '').subarray(0, 600))
  utimesSync(join(folder, 'ff.jsonl'), 0, 0)
  const report = await pruneJournals(folder, { keep: 1, now })

  expect(report.runs.map(({ path }) => path)).toEqual([...paths.slice(1), join(folder, 'ff.jsonl')])
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(['ee.jsonl', 'latest.jsonl', 'ff.blobs']))
  expect(readdirSync(blobs)).toHaveLength(1)
  expect((await readAll(elsewhere)).length).toBeGreaterThan(20)
})

test('what a recovery kept goes with its run', async () => {
  const { folder, paths } = await logs()
  const [, , , oldest = ''] = paths
  appendFileSync(oldest, '{"torn')
  await recoverJournal(oldest)
  for (const file of segmentsOf(oldest)) utimesSync(file, 0, 0)
  await pruneJournals(folder, { keep: 3, now })

  expect(readdirSync(folder).filter((name) => name.startsWith('aa'))).toEqual([])
})

test('a run that is written, or rotated, after it was looked at loses neither lines nor values', async () => {
  const { folder, paths } = await logs()
  const [, , younger = '', oldest = ''] = paths
  const meanwhile = (): number => {
    appendFileSync(oldest, '{"torn')
    // The file with the reference gets a number that nobody has seen.
    renameSync(younger.replace('.jsonl', '.00001.jsonl'), younger.replace('.jsonl', '.00009.jsonl'))
    return NOW
  }
  const report = await pruneJournals(folder, { olderThan: 30 * DAY, now: meanwhile })

  expect(report).toMatchObject({ runs: [], inUse: [oldest], blobs: { count: 0 } })
  expect(readdirSync(younger.replace('.jsonl', '.blobs'))).toHaveLength(1)
  expect(existsSync(oldest)).toBe(true)
})

describe('a journal whose name does not end in .jsonl', () => {
  const bare = async (folder: string, name: string): Promise<string> => {
    const path = join(folder, name)
    await using bus = new MessageBus({ journal: jsonlJournal(path, { rotate: { bytes: 1024 } }) })
    for (let n = 0; n < 22; n++) bus.publish(Carried, { text: `${n} `.repeat(5000) })
    return path
  }

  test('keeps the values to which its last file refers, and goes as a whole', async () => {
    const folder = temporaryFolder()
    const path = await bare(folder, 'desk.log')
    const report = await pruneJournals(folder, { olderThan: DAY })

    expect(report).toMatchObject({ runs: [], blobs: { count: 0 }, kept: 1 })
    expect((await readAll(path)).filter(({ kind }) => kind === 'event')).toHaveLength(22)
    expect((await pruneJournals(folder, { keep: 0 })).runs).toMatchObject([{ path }])
    expect(readdirSync(folder)).toEqual([])
  })

  test('stays whole while a live process writes it', async () => {
    const folder = temporaryFolder()
    const path = await bare(folder, 'desk')
    await using bus = new MessageBus({ journal: jsonlJournal(path) })
    const before = readdirSync(folder)
    const { inUse, runs } = await pruneJournals(folder, { keep: 0 })
    bus.publish(Greeted, { name: 'Ada' })

    expect({ inUse, runs }).toEqual({ inUse: [path], runs: [] })
    expect(readdirSync(folder)).toEqual(before)
  })

  test('stays when another has its name with .jsonl, as that does', async () => {
    const folder = temporaryFolder()
    const paths = [await bare(folder, 'desk'), join(folder, 'desk.jsonl')]
    copyFileSync(join(folder, 'desk'), join(folder, 'desk.jsonl'))
    const before = readdirSync(folder)
    const report = await pruneJournals(folder, { keep: 0 })

    expect(report.runs).toEqual([])
    expect(readdirSync(folder)).toEqual(before)
    expect(paths.every((path) => existsSync(path))).toBe(true)
  })
})
