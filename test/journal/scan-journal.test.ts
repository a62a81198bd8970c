import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JournalRecord } from 'busline'
import { readJournal, scanJournal, type JournalSource, type ScanJournalOptions } from 'busline/journal'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { rejection } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { recordedRun } from './fixtures/recorded-run.ts'

interface Read {
  line: number
  envelope: JournalRecord
  record: JournalRecord
  text: string
}

async function scanned(source: JournalSource, options?: ScanJournalOptions): Promise<Read[]> {
  const read: Read[] = []
  for await (const lines of scanJournal(source, options))
    for (const line of lines)
      read.push({ line: line.line, envelope: line.envelope, record: line.record(), text: line.text() })
  return read
}

/** The bytes of lines, cut into chunks of a size. */
async function* chunked(text: string | Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

function line(seq: number, more: object = {}): string {
  return JSON.stringify({ seq, time: 1, kind: 'event', type: 'x', ...more })
}

/** Field values as hostile as JSON takes them: quotes, braces, what looks like a heavy field. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(',"data":', '","output":{', '\\","error":', '{"data":1}', 'ü🚌', '\u2028'),
)
const record = fc.record(
  {
    type: text,
    kind: text,
    session: text,
    cause: text,
    strange: fc.oneof(
      text,
      fc.json().map((json): unknown => JSON.parse(json)),
      fc.constant({ a: 1, data: { output: 2 } }),
    ),
    heavy: fc.oneof(
      text,
      fc.json().map((json): unknown => JSON.parse(json)),
      fc.constant([{ data: 1 }]),
    ),
    field: fc.constantFrom('data', 'output', 'none'),
  },
  { requiredKeys: ['type', 'kind', 'field'] },
)

test('an envelope is the record without its heavy field, whatever stands in either', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { maxLength: 8 }),
      fc.integer({ min: 1, max: 300 }),
      async (given, size) => {
        const lines = given.map(({ heavy, field, ...envelope }, seq) => {
          const light = { seq, time: 1.5, ...envelope }
          return { light, whole: field === 'none' ? light : { ...light, [field]: heavy } }
        })
        const text = lines.map(({ whole }) => `${JSON.stringify(whole)}\n`).join('')
        const read = await scanned(chunked(text, size))

        expect(read.map(({ record }) => record)).toEqual(
          lines.map(({ whole }) => JSON.parse(JSON.stringify(whole))),
        )
        expect(read.map(({ envelope }) => envelope)).toEqual(
          lines.map(({ light }) => JSON.parse(JSON.stringify(light))),
        )
        expect(read.map(({ text }) => `${text}\n`).join('')).toBe(text)
        expect(read.map(({ line }) => line)).toEqual(lines.map((_, index) => index + 1))
      },
    ),
    { numRuns: 200 },
  )
})

test.each([
  ['spaces after the colons', '{"seq": 0, "time": 1, "kind": "event", "type": "x", "data": {"a": 1}}'],
  ['the heavy field first', '{"data":{"a":1},"seq":0,"time":1,"kind":"event","type":"x"}'],
  ['a key of another spelling', '{"seq":0,"time":1,"kind":"event","type":"x","d\\u0061ta":{"a":1}}'],
])('a line with %s is read as well', async (_, written) => {
  expect(await scanned(chunked(`${written}\n`, 1000))).toMatchObject([
    { envelope: { seq: 0, time: 1, kind: 'event', type: 'x' }, record: { data: { a: 1 } } },
  ])
})

test('a search gives the lines that hold every word, with their numbers', async () => {
  const path = await recordedRun(50)
  const all = await scanned(path)
  const words = ['sum.added', '„1']
  const found = await scanned(path, { containing: words })

  expect(found.length).toBeGreaterThan(5)
  expect(found).toEqual(all.filter(({ text }) => words.every((word) => text.includes(word))))
})

test('a search finds what a plain look finds, wherever the bytes were cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'ü', '\n', '"'), maxLength: 6 }), {
        minLength: 1,
        maxLength: 6,
      }),
      fc.string({ unit: fc.constantFrom('a', 'b', 'ü', 'seq', '\n'), maxLength: 3 }),
      fc.integer({ min: 1, max: 120 }),
      async (texts, word, size) => {
        const lines = texts.map((data, seq) => line(seq, { data }))
        const found = await scanned(chunked(`${lines.join('\n')}\n`, size), { containing: word })

        expect(found.map(({ text }) => text)).toEqual(lines.filter((one) => one.includes(word)))
        for (const { line: number, text } of found) expect(lines[number - 1]).toBe(text)
      },
    ),
  )
})

test('a search for a text with a newline ends, and finds nothing', async () => {
  const path = await recordedRun(5)
  for (const containing of ['\n', '}\n', '\n{']) {
    const found: unknown[] = []
    for await (const lines of scanJournal(path, { containing })) found.push(...lines)
    expect(found).toEqual([])
  }
})

test('after a seq only what follows is given', async () => {
  const path = await recordedRun(3)
  const records: number[] = []
  for await (const { seq } of readJournal(path, { after: 4 })) records.push(seq)

  expect(records[0]).toBe(5)
  expect((await scanned(path, { after: 4 })).map(({ line }) => line)).toEqual(records.map((seq) => seq + 1))
})

test('what stands before a damaged line is given before the error', async () => {
  const read: number[] = []
  const bytes = chunked(`${line(0)}\n${line(1)}\nnonsense\n${line(3)}\n`, 1000)
  const error = await rejection(
    (async () => {
      for await (const lines of scanJournal(bytes)) for (const one of lines) read.push(one.envelope.seq)
    })(),
  )

  expect(read).toEqual([0, 1])
  expect(error).toMatchObject({
    code: 'JOURNAL_DAMAGED',
    message: expect.stringContaining('Line 3 of the input'),
  })
})

test('a heavy field that is damaged is told when it is asked for, naming the line', async () => {
  const bad = `${line(1, { data: 1 }).slice(0, -2)}}`
  const bytes = chunked(`${line(0)}\n${bad}\n`, 1000)

  for await (const [, second] of scanJournal(bytes)) {
    expect(second?.envelope).toMatchObject({ seq: 1 })
    expect(() => second?.record()).toThrow('Line 2 of the input is damaged: it is not a line of JSON.')
  }
})

test('an envelope of fields of another kind than the format says is no record', async () => {
  for (const more of [
    { id: 1 },
    { session: {} },
    { ms: '1' },
    { cause: null },
    { error: 'x' },
    { time: null },
  ])
    expect(await rejection(scanned(chunked(`${line(0, more)}\n`, 1000)))).toMatchObject({
      code: 'JOURNAL_DAMAGED',
      message: expect.stringContaining('it is not a journal record'),
    })
})

test('bytes may be any part of a run; a file that begins later says that something is missing', async () => {
  const text = `${line(41)}\n${line(42)}\n`
  const path = join(temporaryFolder(), 'a.jsonl')
  writeFileSync(path, text)

  expect(await scanned(chunked(text, 1000))).toHaveLength(2)
  expect(await rejection(scanned(path))).toMatchObject({
    code: 'JOURNAL_DAMAGED',
    message: expect.stringContaining('seq is 41 where 0 should follow; what came before is missing'),
  })
})
