import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineEvent, jsonlJournal, MessageBus, type JournalRecord, type JsonlJournalOptions } from 'busline'
import { simulatedFiles } from 'busline/testing'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Carried, Said } from '../bus/fixtures/greeting.ts'
import { rejection, thrownBy } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { linesOf, readAll } from './fixtures/read-all.ts'

const BIG = 'x'.repeat(10_000)

/** Publishes values on a journal, and returns the lines of the events. */
async function publishOn(
  path: string,
  values: readonly unknown[],
  options: JsonlJournalOptions = {},
): Promise<void> {
  await using bus = new MessageBus({ journal: jsonlJournal(path, options) })
  for (const value of values) bus.publish(Carried, value)
}

async function carriedIn(path: string, options?: Parameters<typeof readAll>[1]): Promise<unknown[]> {
  return (await readAll(path, options)).filter(({ kind }) => kind === 'event').map(({ data }) => data)
}

function blobsOf(path: string): string[] {
  const folder = path.replace(/\.jsonl$/, '.blobs')
  return existsSync(folder) ? readdirSync(folder) : []
}

const journalPath = (): string => join(temporaryFolder(), 'a.jsonl')

describe('a string of more than 8 KiB', () => {
  test('stands in a file of its own, for its user only, and as a reference in its line', async () => {
    const path = journalPath()
    await publishOn(path, [{ text: BIG, name: 'Ada' }])

    const [name = ''] = blobsOf(path)
    const hash = name.replace('.json', '')
    const folder = path.replace('.jsonl', '.blobs')
    expect(linesOf(path)[1]).toContain(
      `"data":{"text":{"$blob":"${hash}","bytes":10002,"preview":"${'x'.repeat(100)}"},"name":"Ada"}`,
    )
    expect(readFileSync(join(folder, name), 'utf8')).toBe(JSON.stringify(BIG))
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(await carriedIn(path)).toEqual([{ text: BIG, name: 'Ada' }])
  })

  test.each([
    ['as the whole value', BIG],
    ['deep inside', { a: [{ b: [1, BIG] }] }],
    ['twice in one value', [BIG, 'and', BIG]],
    ['with quotes and backslashes at every place', '"\\"'.repeat(3000)],
    ['of characters that take three bytes', '語'.repeat(2800)],
    ['under a long key', { ['k'.repeat(9000)]: BIG }],
    ['under a key that is none', JSON.parse(`{"__proto__":"${BIG}","constructor":{"__proto__":"${BIG}"}}`)],
    ['with half a character', `\uD83D${BIG}\uDE8C`],
  ])('comes back exactly: %s', async (_, value) => {
    const path = journalPath()
    await publishOn(path, [value])

    expect(JSON.stringify(await carriedIn(path))).toBe(JSON.stringify([value]))
    expect(blobsOf(path)).toHaveLength(1)
    expect(linesOf(path)[1]?.length).toBeLessThan(10_000)
  })

  test('is written once, also by the next process that continues the file', async () => {
    const path = journalPath()
    await publishOn(path, [BIG, BIG])
    const [name = ''] = blobsOf(path)
    const file = join(path.replace('.jsonl', '.blobs'), name)
    const { ino } = statSync(file)
    await publishOn(path, [{ again: BIG }])

    expect(blobsOf(path)).toEqual([name])
    expect(statSync(file).ino).toBe(ino)
    expect(await carriedIn(path)).toEqual([BIG, BIG, { again: BIG }])
  })

  test('of which a power cut left a part is written again when it comes again', async () => {
    const path = journalPath()
    await publishOn(path, [BIG])
    const file = join(path.replace('.jsonl', '.blobs'), blobsOf(path)[0] ?? '')
    writeFileSync(file, '')
    await publishOn(path, [BIG])

    expect(await carriedIn(path)).toEqual([BIG, BIG])
  })

  test('stays in its line with blobs: false', async () => {
    const path = journalPath()
    await publishOn(path, [BIG], { blobs: false })

    expect(blobsOf(path)).toEqual([])
    expect(linesOf(path)[1]).toContain(BIG)
  })

  test('is one from the limit on that is asked for, in bytes of its JSON', async () => {
    const path = journalPath()
    const values = ['x'.repeat(1998), 'x'.repeat(1999), 'ü'.repeat(999), 'ü'.repeat(1000), '"'.repeat(1000)]
    await publishOn(path, values, { blobs: { over: 2000 } })

    expect(
      linesOf(path)
        .slice(1)
        .map((line) => line.includes('$blob')),
    ).toEqual([false, true, false, true, true])
    expect(await carriedIn(path)).toEqual(values)
  })

  test('has no secret in its file, nor in its preview', async () => {
    const path = journalPath()
    {
      await using bus = new MessageBus({ journal: jsonlJournal(path) })
      bus.secret('sk-0123456789')
      bus.publish(Carried, { text: `sk-0123456789 ${BIG} sk-0123456789`, apiKey: BIG })
    }
    const file = join(path.replace('.jsonl', '.blobs'), blobsOf(path)[0] ?? '')
    expect(blobsOf(path)).toHaveLength(1)
    expect(readFileSync(file, 'utf8') + readFileSync(path, 'utf8')).not.toContain('sk-0123456789')
    expect(await carriedIn(path)).toEqual([{ text: `[secret] ${BIG} [secret]`, apiKey: '[secret]' }])
  })

  test('reaches a tap as itself', async () => {
    const tapped: JournalRecord[] = []
    await using bus = new MessageBus({ journal: jsonlJournal(journalPath()) })
    bus.tap((record) => tapped.push(record))
    bus.publish(Carried, BIG)

    expect(tapped).toMatchObject([{ seq: 1, data: BIG }])
  })

  test('stays in its line as a delta of a stream', async () => {
    const path = journalPath()
    {
      await using bus = new MessageBus({ journal: jsonlJournal(path) })
      bus.publish(Said, { text: BIG })
    }

    expect(blobsOf(path)).toEqual([])
    expect(await carriedIn(path)).toEqual([{ deltas: [[expect.any(Number), BIG]] }])
  })
})

test('a value that is big by many small parts stays in its line', async () => {
  const path = journalPath()
  const value = Array.from({ length: 20_000 }, (_, n) => ({ n, text: `part ${n}` }))
  await publishOn(path, [value])

  expect(blobsOf(path)).toEqual([])
  expect(await carriedIn(path)).toEqual([value])
})

const reference = { $blob: `sha256-${'0'.repeat(64)}`, bytes: 2, preview: '' }

describe('a value with a $blob key of its own', () => {
  test.each([
    ['small', { $blob: 'mine' }],
    ['exactly like a reference', reference],
    ['inside of another', { $blob: { $blob: reference } }],
    ['beside a big string', [{ $blob: 1 }, BIG]],
    ['as text', 'a "$blob": in a text'],
    ['in a key', { 'a"$blob': 1 }],
  ])('comes back exactly: %s', async (_, value) => {
    for (const blobs of [false, { over: 8192 }] as const) {
      const path = journalPath()
      await publishOn(path, [value, { value }], { blobs })

      expect(await carriedIn(path)).toStrictEqual([value, { value }])
    }
  })
})

test('any JSON comes back exactly through blobs, and no line holds a string over the limit', async () => {
  const folder = temporaryFolder()
  let file = 0
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc
      .tuple(fc.string({ unit: 'binary', maxLength: 20 }), fc.integer({ min: 30, max: 150 }))
      .map(([part, times]) => part.repeat(times)),
    fc.constantFrom('"'.repeat(600), '\\'.repeat(1023), '\\"'.repeat(400), `\\${'x'.repeat(2000)}\\`),
  )
  const key = fc.oneof(text, fc.constantFrom('$blob', 'bytes', 'preview', '__proto__'))
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.constantFrom(1.5, 0, true, null, reference),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
    ),
  }))
  await fc.assert(
    fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 5 }), async (values) => {
      const path = join(folder, `${++file}.jsonl`)
      await publishOn(path, values, { blobs: { over: 1024 } })

      const written: unknown = JSON.parse(JSON.stringify(values))
      expect(await carriedIn(path)).toStrictEqual(written)
      const longest = linesOf(path).flatMap((line) =>
        Array.from(line.matchAll(/"(?:[^"\\]|\\.)*"(?!:)/g), ([text]) => Buffer.byteLength(text)),
      )
      expect(Math.max(...longest)).toBeLessThan(1025)
    }),
    { numRuns: 20 },
  )
})

describe('a blob that is not there any more', () => {
  test.each([
    ['deleted', (file: string) => rmSync(file)],
    ['altered', (file: string) => writeFileSync(file, JSON.stringify('y'.repeat(10_000)))],
    ['a folder', (file: string) => (rmSync(file), mkdirSync(file))],
  ])('is BLOB_MISSING that names line, hash and file: %s', async (_, damage) => {
    const path = journalPath()
    await publishOn(path, ['small', BIG])
    const [name = ''] = blobsOf(path)
    const file = join(path.replace('.jsonl', '.blobs'), name)
    damage(file)

    expect(await rejection(readAll(path))).toMatchObject({
      code: 'BLOB_MISSING',
      message: expect.stringContaining(`Line 3 of ${path} refers to ${file}`),
      data: { path, line: 3, hash: name.replace('.json', ''), file },
    })
  })

  test('does not matter to who wants to have the references', async () => {
    const path = journalPath()
    await publishOn(path, [BIG])
    rmSync(path.replace('.jsonl', '.blobs'), { recursive: true })

    expect(await carriedIn(path, { blobs: 'keep' })).toEqual([
      { $blob: expect.stringMatching(/^sha256-/), bytes: 10_002, preview: 'x'.repeat(100) },
    ])
  })
})

describe('a blob that can not be written', () => {
  test('stays in its line, which waits for room as every line does: nothing is lost', async () => {
    const files = simulatedFiles({ room: 9_000 })
    const journal = jsonlJournal('/logs/a.jsonl', { files })
    const bus = new MessageBus({ journal })
    bus.publish(Carried, BIG)
    expect(await rejection(journal.flush())).toMatchObject({
      code: 'JOURNAL_FAILED',
      cause: { code: 'ENOSPC' },
    })
    files.room = Infinity
    bus.publish(Carried, [BIG])
    await bus.stop()

    const events = files.read('/logs/a.jsonl').split('\n').slice(1, 3)
    expect(events.map((line) => line.includes(BIG))).toEqual([true, false])
    expect(files.list('/logs/a.blobs')).toHaveLength(1)
  })

  test('leaves a user\u2019s value that looks like a reference readable as that value', async () => {
    const path = journalPath()
    writeFileSync(path.replace('.jsonl', '.blobs'), 'in the way')
    await publishOn(path, [reference, { $blob: 'mine', text: BIG }])

    expect(await carriedIn(path)).toEqual([reference, { $blob: 'mine', text: BIG }])
  })
})

test('options of blobs are refused that are none', () => {
  for (const over of [0, 1023, NaN, '8192'])
    expect(
      thrownBy(() => jsonlJournal(journalPath(), JSON.parse(JSON.stringify({ blobs: { over } })))),
    ).toMatchObject({ code: 'INVALID_OPTION', data: { option: 'blobs.over' } })
})

test('a header and a failed command keep their form: only the last field of a line has references', async () => {
  const path = journalPath()
  const Odd = defineEvent('odd.event', { data: z.object({ $blob: z.string() }) })
  {
    await using bus = new MessageBus({ journal: jsonlJournal(path) })
    bus.session(`s-${'x'.repeat(20)}`).publish(Odd, { $blob: BIG })
  }

  const [header, event] = await readAll(path)
  expect(header?.data).toMatchObject({ run: expect.any(String), pid: process.pid })
  expect(event).toMatchObject({ session: `s-${'x'.repeat(20)}`, data: { $blob: BIG } })
})
