import { join } from 'node:path'
import {
  defineCommand,
  defineEvent,
  jsonlJournal,
  memoryJournal,
  MessageBus,
  readJournal,
  type JournalRecord,
} from 'busline'
import { upcastRecords } from 'busline/journal'
import * as z from 'zod'
import { expect, test } from 'vitest'
import { rejection, thrownBy } from '../bus/fixtures/promises.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'

const GreetV1 = defineCommand('people.greet', {
  input: z.object({ name: z.string() }),
  output: z.string(),
})
const Greet = defineCommand('people.greet', {
  input: z.object({ first: z.string(), last: z.string(), title: z.string() }),
  output: z.object({ text: z.string() }),
  version: 3,
  upcast: {
    1: (data) => {
      const [first, last] = z.object({ name: z.string() }).parse(data).name.split(' ')
      return { first, last }
    },
    2: (data) => ({ ...z.looseObject({}).parse(data), title: '' }),
  },
  upcastOutput: { 1: (text) => ({ text }) },
})
const Seen = defineEvent('people.seen', { data: z.object({ who: z.string() }), version: 2 })

async function all(records: AsyncIterable<JournalRecord>): Promise<JournalRecord[]> {
  const read: JournalRecord[] = []
  for await (const record of records) read.push(record)
  return read
}

const record = (more: object): JournalRecord => ({
  seq: 7,
  time: 1,
  kind: 'command',
  type: 'people.greet',
  ...more,
})

test('records of an old definition come as the definition of today wants them', async () => {
  const path = join(temporaryFolder(), 'a.jsonl')
  const bus = new MessageBus({ journal: jsonlJournal(path) })
  bus.handle(GreetV1, ({ name }) => `Hello, ${name}!`)
  await bus.execute(GreetV1, { name: 'Ada Lovelace' })
  await bus.stop()
  const [header, command, result] = await all(upcastRecords(readJournal(path), [Greet]))

  expect(header).toMatchObject({ kind: 'header' })
  expect(Greet.input.parse(command?.data)).toEqual({ first: 'Ada', last: 'Lovelace', title: '' })
  expect(Greet.output.parse(result?.output)).toEqual({ text: 'Hello, Ada Lovelace!' })
  expect([command?.['version'], result?.['version']]).toEqual([3, 3])
})

test('records carry the version of their definition, before the heavy field, from 2 on', async () => {
  const journal = memoryJournal()
  const bus = new MessageBus({ journal })
  bus.handle(Greet, ({ first }) => ({ text: first }))
  bus.handle(defineCommand('x', { input: z.string(), output: z.string() }), (text) => text)
  await bus.execute(Greet, { first: 'a', last: 'b', title: '' })
  bus.publish(Seen, { who: 'c' })
  await bus.stop()

  const types = journal.lines.slice(1).map((line) => /"type":"[^"]+"(?:,"version":\d+)?/.exec(line)?.[0])
  expect(types).toEqual([
    '"type":"people.greet","version":3',
    '"type":"people.greet","version":3',
    '"type":"people.seen","version":2',
  ])
})

test('what is of today, unknown, or a failure is given as it is', async () => {
  const records = [
    record({ version: 3, data: { any: 1 } }),
    record({ type: 'other', data: 1, version: 9 }),
    record({ kind: 'event', data: 1 }),
    record({ kind: 'note', data: 1 }),
  ]
  const failed = record({ kind: 'result', status: 'error', error: { code: 'X', name: 'X', message: '' } })

  expect(await all(upcastRecords(iterate(records), [Greet]))).toEqual(records)
  expect(await all(upcastRecords(iterate([failed]), [Greet]))).toEqual([{ ...failed, version: 3 }])
})

test('a version without an upcast fits as it is', async () => {
  const seen = record({ kind: 'event', type: 'people.seen', data: { who: 'a' } })

  expect(await all(upcastRecords(iterate([seen]), [Seen]))).toEqual([{ ...seen, version: 2 }])
})

test('a record of a later version is RECORD_FROM_FUTURE, naming type, line and both versions', async () => {
  expect(await rejection(all(upcastRecords(iterate([record({ version: 4 })]), [Greet])))).toMatchObject({
    code: 'RECORD_FROM_FUTURE',
    message: expect.stringContaining('seq 7 (line 8) holds version 4 of people.greet; known is version 3'),
    data: { type: 'people.greet', line: 8, version: 4, known: 3 },
  })
})

test.each([0, 0.5, -1e15])('a record of version %s is damaged', async (version) => {
  expect(await rejection(all(upcastRecords(iterate([record({ version })]), [Greet])))).toMatchObject({
    code: 'JOURNAL_DAMAGED',
    data: { line: 8, version },
  })
})

test.each([
  ['version', { version: 0 }],
  ['version', { version: 1.5 }],
  ['upcast', { version: 2, upcast: { 2: String } }],
  ['upcast', { upcast: { 1: String } }],
])('a definition whose %s makes no sense is INVALID_OPTION', (option, more) => {
  expect(thrownBy(() => defineEvent('a.b', { data: z.string(), ...more }))).toMatchObject({
    code: 'INVALID_OPTION',
    data: { option },
  })
})

async function* iterate(records: readonly JournalRecord[]): AsyncGenerator<JournalRecord> {
  yield* records
}
