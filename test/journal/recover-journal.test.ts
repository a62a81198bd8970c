import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { jsonlJournal, MessageBus } from 'busline'
import { recoverJournal, verifyJournal } from 'busline/journal'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Carried } from '../bus/fixtures/greeting.ts'
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
    rmSync(path, { force: true })
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

describe('a journal whose last value was torn by a power cut', () => {
  /** Lines go on behind one whose value is not what it was. */
  async function tornRun(damage: (blob: string) => void): Promise<{ path: string; blob: string }> {
    const path = join(temporaryFolder(), 'run.jsonl')
    for (const text of ['first '.repeat(2000), 'second '.repeat(2000)]) {
      const bus = new MessageBus({ journal: jsonlJournal(path) })
      bus.publish(Carried, { text })
      await bus.stop()
      if (!text.startsWith('first')) continue
      const folder = path.replace('.jsonl', '.blobs')
      damage(join(folder, readdirSync(folder)[0] ?? ''))
    }
    const folder = path.replace('.jsonl', '.blobs')
    return { path, blob: readdirSync(folder)[0] ?? '' }
  }

  test.each([
    ['missing', (blob: string): void => rmSync(blob)],
    ['cut', (blob: string): void => writeFileSync(blob, readFileSync(blob).subarray(0, 100))],
  ])('%s: keeps every line and what that one tells of its value', async (_how, damage) => {
    const { path } = await tornRun(damage)
    const before = linesOf(path)
    expect(await rejection(readAll(path))).toMatchObject({ code: 'BLOB_MISSING' })

    expect(await recoverJournal(path, { dryRun: true })).toMatchObject({ changed: true })
    const { files } = await recoverJournal(path, { now })
    expect(files).toMatchObject([{ records: before.length, lostValues: 1, lost: 0, setAsideCount: 0 }])
    const records = await readAll(path)
    expect(records[1]?.data).toEqual({
      text: {
        $blob: expect.any(String),
        bytes: 12_002,
        preview: 'first '.repeat(17).slice(0, 100),
        lost: true,
      },
    })
    expect(records[3]?.data).toEqual({ text: 'second '.repeat(2000) })
    expect(records.at(-1)).toMatchObject({ type: 'bus.recovered', data: { lostValues: 1 } })
    expect(linesOf(path).filter((line) => before.includes(line))).toHaveLength(before.length - 1)
    expect(linesOf(`${path}.damaged-1`)).toEqual(before)
    expect(await verifyJournal(path)).toMatchObject({ ok: true })
    expect(await recoverJournal(path)).toMatchObject({ changed: false })
  })

  test('without any value beside it, keeps its references: the folder was left behind', async () => {
    const { path } = await tornRun(() => undefined)
    rmSync(path.replace('.jsonl', '.blobs'), { recursive: true })
    expect(await recoverJournal(path)).toMatchObject({ changed: false, files: [{ lostValues: 0 }] })
  })
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
      rmSync(path, { force: true })
      await recoverJournal(harmedPath, { output: path, now })

      const kept = new Set(linesOf(path))
      expect(good.filter((line) => !kept.has(line))).toEqual([])
      await readAll(path)
      expect(await verifyJournal(path)).toMatchObject({ counts: { damage: 0 } })
    }),
    { numRuns: 60 },
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
    data: { cutBytes: 6, damaged: 2, setAside: 0, lost: 2, lostValues: 0, original: 'run.jsonl.damaged-1' },
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

const HEADER = { v: 1, kind: 'header', type: 'busline.journal' }

/** Lines of a run from one `seq` on, the first a header; `count` of them. */
function segmentOf(segment: number, from: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const seq = from + index
    const id = `r1-${seq}`
    const what =
      index === 0
        ? { ...HEADER, data: { run: 'r1', segment } }
        : { kind: 'event', type: 'a.b', id, root: id, data: seq }
    return JSON.stringify({ seq, time: 100 + seq, ...what })
  })
}

/** A run of three full segments and the file, with lines 0 to 39, of which each has ten. */
function rotatedRun(): { path: string; files: string[] } {
  const path = join(temporaryFolder(), 'run.jsonl')
  const files = ['run.00001.jsonl', 'run.00002.jsonl', 'run.00003.jsonl', 'run.jsonl'].map((name) =>
    join(dirname(path), name),
  )
  for (const [index, file] of files.entries())
    writeFileSync(file, `${segmentOf(index + 1, index * 10, 10).join('\n')}\n`)
  return { path, files }
}

/** What a power cut may leave of a file. */
const HARM: Record<string, (bytes: Buffer) => Buffer> = {
  'the end is missing': (bytes) => bytes.subarray(0, bytes.lastIndexOf('{"seq"')),
  'the end is torn': (bytes) => bytes.subarray(0, -30),
  'the newline is missing': (bytes) => bytes.subarray(0, -1),
  'the end is zeros': (bytes) => Buffer.concat([bytes.subarray(0, -200), Buffer.alloc(200)]),
  'the beginning is zeros': (bytes) => Buffer.concat([Buffer.alloc(200), bytes.subarray(200)]),
  'all is zeros': (bytes) => Buffer.alloc(bytes.length),
  'nothing is left': () => Buffer.alloc(0),
}

describe.each(Object.keys(HARM))('of a full segment %s:', (name) => {
  test.each([
    ['the first', [0]],
    ['one in the middle', [1]],
    ['two in a row', [1, 2]],
    ['all', [0, 1, 2]],
  ])(
    '%s: recovered, the run can be read, has all that was whole, and is recovered once',
    async (_, harmed) => {
      const { path, files } = rotatedRun()
      const whole = files.flatMap((file, index) => {
        const bytes = readFileSync(file)
        const left = harmed.includes(index) ? (HARM[name]?.(bytes) ?? bytes) : bytes
        writeFileSync(file, left)
        const at = (line: string): number => left.indexOf(`${line}\n`)
        return linesOf(file).filter((line) => line.startsWith('{') && at(line) !== -1)
      })
      await recoverJournal(path, { now })
      const lines = files.flatMap(linesOf)

      expect(whole.length).toBeGreaterThan(9)
      expect(lines.filter((line) => whole.includes(line))).toEqual(whole)
      expect((await readAll(path)).at(-1)).toMatchObject({ seq: 39 })
      expect(await verifyJournal(path)).toMatchObject({ ok: true })
      expect(await recoverJournal(path, { now })).toMatchObject({ changed: false })
    },
  )
})

test('what was lost between two segments is declared once, in the last file before it that has lines', async () => {
  const { path, files } = rotatedRun()
  for (const file of files.slice(1, 3)) writeFileSync(file, '')
  const { files: told } = await recoverJournal(path, { now })

  expect(told.map(({ records, lost }) => [records, lost])).toEqual([
    [10, 20],
    [0, 0],
    [0, 0],
    [10, 0],
  ])
  expect((await readAll(path)).slice(9, 12).map(({ seq, type }) => [seq, type])).toEqual([
    [9, 'a.b'],
    [29, 'bus.lost'],
    [30, 'busline.journal'],
  ])
})

test('segments that overlap are made to follow each other', async () => {
  const { path, files } = rotatedRun()
  writeFileSync(files[1] ?? '', `${segmentOf(2, 7, 13).join('\n')}\n`)
  await recoverJournal(path, { now })

  expect((await readAll(path)).map(({ seq }) => seq)).toEqual([...Array(40).keys()])
  expect(await recoverJournal(path, { now })).toMatchObject({ changed: false })
})

test('a run whose header is lost gets another that names it, so that it is a journal still', async () => {
  const path = await recordedRun(3)
  const lines = linesOf(path)
  const { data } = JSON.parse(lines[0] ?? '')
  writeFileSync(path, `${'\0'.repeat(40)}\n${lines.slice(2).join('\n')}\n`, 'latin1')
  const { files } = await recoverJournal(path, { now })
  const [header, lost] = await readAll(path)

  expect(files).toMatchObject([{ lost: 2 }])
  expect(header).toMatchObject({ ...HEADER, seq: 0, data: { run: data.run, recovered: true } })
  expect(lost).toMatchObject({ type: 'bus.lost', data: { lost: 1, from: 1, to: 1 } })
  expect(await verifyJournal(path)).toMatchObject({ ok: true, run: data.run })
})

test('output never takes the place of a file, least of all of the one that is recovered', async () => {
  const path = await recordedRun(2)
  writeFileSync(path, `${readFileSync(path, 'latin1')}{"torn`, 'latin1')
  const before = readFileSync(path)
  const other = await recordedRun(1)

  for (const output of [path, other])
    expect(await rejection(recoverJournal(path, { output }))).toMatchObject({
      code: 'INVALID_OPTION',
      data: { option: 'output' },
    })
  expect(readFileSync(path)).toEqual(before)
  expect((await readAll(other)).length).toBeGreaterThan(3)
})

test.each([
  ['a file of another kind', '{\n  "name": "x"\n}\n'],
  ['a session file', '{"v":1,"id":"s1","messages":[]}'],
  ['zeros', '\0'.repeat(500)],
  ['an empty file', ''],
])('%s is left as it is: nothing in it is a record', async (_, text) => {
  const path = join(temporaryFolder(), 'other.jsonl')
  writeFileSync(path, text)

  expect(await rejection(recoverJournal(path))).toMatchObject({ code: 'JOURNAL_DAMAGED', data: { path } })
  expect(readFileSync(path, 'utf8')).toBe(text)
  expect(readdirSync(dirname(path))).toEqual(['other.jsonl'])
})

test('an output has the big values beside it', async () => {
  const path = join(temporaryFolder(), 'run.jsonl')
  const bus = new MessageBus({ journal: jsonlJournal(path) })
  bus.publish(Added, { sum: 1, text: 'x'.repeat(9000) })
  await bus.stop()
  const output = join(temporaryFolder(), 'out.jsonl')
  await recoverJournal(path, { output })

  expect(await readAll(output)).toEqual(await readAll(path))
  expect(statSync(output.replace('.jsonl', '.blobs')).mode & 0o777).toBe(0o700)
})

test('a line of beginnings without an end costs no more than some looks at it', async () => {
  const path = await recordedRun(1)
  const lines = linesOf(path)
  lines.splice(2, 0, '{"seq":1,'.repeat(30_000))
  writeFileSync(path, `${lines.join('\n')}\n`, 'latin1')
  const begin = performance.now()

  expect(await recoverJournal(path, { dryRun: true })).toMatchObject({
    files: [{ damagedCount: 1, lost: 0 }],
  })
  expect(performance.now() - begin).toBeLessThan(5000)
})

test('a file that is written is refused, dry run or not; one that is missing is FILE_FAILED', async () => {
  const path = join(temporaryFolder(), 'run.jsonl')
  const bus = new MessageBus({ journal: jsonlJournal(path) })
  for (const dryRun of [true, false])
    expect(await rejection(recoverJournal(path, { dryRun }))).toMatchObject({ code: 'JOURNAL_IN_USE' })
  await bus.stop()

  expect(await rejection(recoverJournal(`${path}.none`))).toMatchObject({ code: 'FILE_FAILED' })
})

describe('where another run stands in the file', () => {
  const joined = async (...parts: string[][]): Promise<string> => {
    const path = join(temporaryFolder(), 'joined.jsonl')
    writeFileSync(path, parts.flatMap((lines) => lines.map((line) => `${line}\n`)).join(''), 'latin1')
    return path
  }
  const runOf = (lines: string[]): string => JSON.parse(lines[0] ?? '').data.run

  test('the run of the first header is kept, also where the other is longer, and each line of that is told', async () => {
    const [one, other] = [linesOf(await recordedRun(3)), linesOf(await recordedRun(9))]
    const path = await joined(one, other)
    const { files } = await recoverJournal(path, { now })

    expect(files).toMatchObject([{ records: one.length, lost: 0, damagedCount: 0, cutBytes: 0 }])
    expect(files[0]?.setAside).toEqual([{ line: one.length + 1, records: other.length, run: runOf(other) }])
    expect(files[0]?.setAsideCount).toBe(other.length)
    expect(linesOf(path).slice(0, -1)).toEqual(one)
    expect(JSON.parse(linesOf(path).at(-1) ?? '')).toMatchObject({
      type: 'bus.recovered',
      data: { setAside: other.length, damaged: 0, lost: 0 },
    })
    expect(readFileSync(`${path}.damaged-1`, 'latin1')).toBe(`${[...one, ...other].join('\n')}\n`)
    expect(await verifyJournal(path)).toMatchObject({ ok: true, run: runOf(one) })
  })

  test('no line of it fills a gap, where its own header is lost too', async () => {
    const [one, other] = [linesOf(await recordedRun(2)), linesOf(await recordedRun(9))]
    const path = await joined(one, other.slice(1))
    const { files } = await recoverJournal(path, { now })

    expect(files).toMatchObject([{ records: one.length, setAsideCount: other.length - 1 }])
    expect(files[0]?.setAside).toEqual([
      { line: one.length + 1, records: other.length - 1, run: runOf(other) },
    ])
    expect(linesOf(path).slice(0, -1)).toEqual(one)
  })

  test('what comes after it of the first run is kept', async () => {
    const [one, other] = [linesOf(await recordedRun(3)), linesOf(await recordedRun(1))]
    const path = await joined(one.slice(0, 5), other, one.slice(0, 1), one.slice(5))
    const { files } = await recoverJournal(path, { now })

    expect(files[0]?.setAside).toEqual([
      { line: 6, records: other.length, run: runOf(other) },
      { line: 6 + other.length, records: 1, run: null },
    ])
    expect(linesOf(path).slice(0, -1)).toEqual(one)
  })
})

test.each([0o600, 0o640, 0o644])('the file keeps its mode %o', async (mode) => {
  const path = await recordedRun(1)
  writeFileSync(path, `${readFileSync(path, 'latin1')}{"torn`, 'latin1')
  chmodSync(path, mode)
  await recoverJournal(path, { now })

  expect(statSync(path).mode & 0o777).toBe(mode)
})

test.each([1, 2, 5])('a run without its first %d lines is one that keeps the rules', async (count) => {
  const path = await recordedRun(3)
  const lines = linesOf(path)
  const { data } = JSON.parse(lines[0] ?? '')
  writeFileSync(path, `${lines.slice(count).join('\n')}\n`, 'latin1')
  await recoverJournal(path, { now })

  expect(await verifyJournal(path)).toMatchObject({ ok: true, run: data.run })
  expect(await recoverJournal(path)).toMatchObject({ changed: false })
})
