import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { jsonlJournal, MessageBus } from 'busline'
import { recoverJournal, verifyJournal } from 'busline/journal'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { rejection } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { readAll } from './fixtures/read-all.ts'
import { Added, recordedRun } from './fixtures/recorded-run.ts'

const now = (): number => 1_800_000_000_000

function linesOf(path: string): string[] {
  return readFileSync(path, 'latin1').split('\n').slice(0, -1)
}

/** A copy of a run with these bytes. */
function copyWith(bytes: Uint8Array): string {
  const path = join(temporaryFolder(), 'copy.jsonl')
  writeFileSync(path, bytes)
  return path
}

test('a journal cut at every byte of its last three lines recovers to the same prefix', async () => {
  const bytes = readFileSync(await recordedRun(2))
  const starts = [...bytes.entries()].flatMap(([place, byte]) => (byte === 0x0a ? [place + 1] : []))
  const from = starts.at(-4) ?? 0
  const cutPath = copyWith(bytes)
  const path = `${cutPath}.recovered`

  for (let cut = from; cut < bytes.length; cut++) {
    writeFileSync(cutPath, bytes.subarray(0, cut))
    const prefix = bytes.subarray(0, bytes.subarray(0, cut).lastIndexOf(0x0a) + 1).toString()
    const { changed } = await recoverJournal(cutPath, { output: path, now })
    const read = readFileSync(path, 'utf8')

    expect(read.startsWith(prefix)).toBe(true)
    expect(changed).toBe(Buffer.byteLength(prefix) < cut)
    const told = read.slice(prefix.length).split('\n').slice(0, -1)
    expect(told.map((line): unknown => JSON.parse(line).type)).toEqual(changed ? ['bus.recovered'] : [])
    // Readers take it: once for each line is enough.
    if (bytes[cut] === 0x0a) await readAll(path)
  }
})

test('a journal without damage is left as it is', async () => {
  const path = await recordedRun(3)
  const before = readFileSync(path)

  expect(await recoverJournal(path)).toMatchObject({
    changed: false,
    files: [{ changed: false, original: null }],
  })
  expect(readFileSync(path)).toEqual(before)
  expect(readdirSync(dirname(path))).toEqual(['run.jsonl'])
})

/** What happens to a file: ranges of zeros, and bytes that turn into others. */
const harm = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
    length: fc.integer({ min: 1, max: 300 }),
    zero: fc.boolean(),
    byte: fc.nat(255),
  }),
  { minLength: 1, maxLength: 4 },
)

test('whatever bytes are zeroed or flipped, no whole line is lost, and the result can be read', async () => {
  const bytes = readFileSync(await recordedRun(6))
  const whole = bytes.toString('latin1').split('\n').slice(0, -1)
  const harmedPath = copyWith(bytes)
  const path = `${harmedPath}.recovered`

  await fc.assert(
    fc.asyncProperty(harm, async (harms) => {
      const harmed = Buffer.from(bytes)
      for (const { at, length, zero, byte } of harms) {
        const start = Math.floor(at * harmed.length)
        if (zero) harmed.fill(0, start, Math.min(start + length, harmed.length))
        else harmed[start] = byte
      }
      writeFileSync(harmedPath, harmed)
      // What is untouched, newline or not.
      let place = 0
      const good = whole.filter((line) => {
        const start = place
        place += line.length + 1
        return harmed.subarray(start, start + line.length).equals(bytes.subarray(start, start + line.length))
      })
      // The last line without its newline, and nothing behind it, is no record.
      if (harmed.at(-1) !== 0x0a && harmed.at(-1) === 0x7d) good.pop()
      await recoverJournal(harmedPath, { output: path, now })

      const kept = new Set(linesOf(path))
      expect(good.filter((line) => !kept.has(line))).toEqual([])
      await readAll(path)
      expect(await verifyJournal(path)).toMatchObject({ counts: { damage: 0 } })
    }),
    { numRuns: 100 },
  )
})

test('the file is kept as it was, and a note at the end says what was done', async () => {
  const path = await recordedRun(3)
  const lines = linesOf(path)
  const harmed = [...lines.slice(0, 2), '{"seq":2,"ti', 'junk', ...lines.slice(4), '{"seq"'].join('\n')
  writeFileSync(path, harmed, 'latin1')
  const { files } = await recoverJournal(path, { now })
  const records = await readAll(path)

  expect(files).toMatchObject([
    {
      changed: true,
      records: lines.length - 2,
      cutBytes: 6,
      damagedCount: 2,
      lost: 2,
      original: `${path}.damaged-1`,
    },
  ])
  expect(files[0]?.damaged).toEqual([
    { line: 3, bytes: 12 },
    { line: 4, bytes: 4 },
  ])
  expect(readFileSync(`${path}.damaged-1`, 'latin1')).toBe(harmed)
  expect(records[2]).toMatchObject({
    seq: 3,
    kind: 'note',
    type: 'bus.lost',
    data: { lost: 2, from: 2, to: 3 },
  })
  expect(records.at(-1)).toEqual({
    seq: lines.length,
    time: now(),
    kind: 'note',
    type: 'bus.recovered',
    data: { cutBytes: 6, damaged: 2, lost: 2, original: 'run.jsonl.damaged-1' },
  })
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(dirname(path)).toSorted()).toEqual(['run.jsonl', 'run.jsonl.damaged-1'])
})

test('the next recovery keeps its file beside the first, and a bus goes on with what was recovered', async () => {
  const path = await recordedRun(2)
  for (const _ of [1, 2]) {
    writeFileSync(path, `${readFileSync(path, 'latin1')}{"torn`, 'latin1')
    await recoverJournal(path, { now })
  }
  const bus = new MessageBus({ journal: jsonlJournal(path) })
  bus.publish(Added, { sum: 1, text: '' })
  await bus.stop()

  expect(existsSync(`${path}.damaged-2`)).toBe(true)
  expect((await readAll(path)).slice(-4).map(({ type }) => type)).toEqual([
    'bus.recovered',
    'bus.recovered',
    'bus.opened',
    'sum.added',
  ])
})

test('a line whose seq was damaged costs itself, not those after it', async () => {
  const path = await recordedRun(5)
  const lines = linesOf(path)
  lines[4] = lines[4]?.replace('"seq":4', '"seq":94') ?? ''
  writeFileSync(path, `${lines.join('\n')}\n`, 'latin1')
  await recoverJournal(path, { now })

  expect((await readAll(path)).map(({ seq }) => seq)).toEqual([...lines.keys(), lines.length])
})

test('a dry run tells and changes nothing; with an output the original stays', async () => {
  const path = await recordedRun(2)
  writeFileSync(path, `${readFileSync(path, 'latin1')}\0\0\0\0`, 'latin1')
  const before = readFileSync(path)
  const output = join(temporaryFolder(), 'out.jsonl')

  expect(await recoverJournal(path, { dryRun: true })).toMatchObject({
    changed: true,
    files: [{ cutBytes: 4 }],
  })
  expect(readFileSync(path)).toEqual(before)
  await recoverJournal(path, { output, now })
  expect(readFileSync(path)).toEqual(before)
  expect((await readAll(output)).at(-1)).toMatchObject({ type: 'bus.recovered' })
})

test('a file that is written is refused, dry run or not; one that is missing is FILE_FAILED', async () => {
  const path = join(temporaryFolder(), 'run.jsonl')
  const bus = new MessageBus({ journal: jsonlJournal(path) })
  for (const dryRun of [true, false])
    expect(await rejection(recoverJournal(path, { dryRun }))).toMatchObject({ code: 'JOURNAL_IN_USE' })
  await bus.stop()

  expect(await rejection(recoverJournal(`${path}.none`))).toMatchObject({ code: 'FILE_FAILED' })
})
