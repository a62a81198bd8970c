// What earlier systems did not record, or could not read again. The rows are those of the mission.
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filter, jsonlJournal, MessageBus, readJournal, type JournalRecord, type JsonValue } from 'busline'
import { story } from 'busline/testing'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { Carried, Carry, Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { rejection, thrownBy } from '../bus/fixtures/promises.ts'
import { recordedBus } from '../bus/fixtures/recorded-bus.ts'

const folder = mkdtempSync(join(tmpdir(), 'busline-regressions-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const newFile = (): string => join(folder, `${++files}.jsonl`)

async function read(path: string): Promise<JournalRecord[]> {
  const records: JournalRecord[] = []
  for await (const record of readJournal(path)) records.push(record)
  return records
}

describe('G6, LLMgine: the log tool read zero events from its own log', () => {
  test('what is read back is exactly what was written, over two runs and a torn last line', async () => {
    const values = fc.array(fc.jsonValue(), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(values, values, async (first, second) => {
        const path = newFile()
        const written: unknown[] = []
        const run = async (data: readonly unknown[]): Promise<void> => {
          await using bus = new MessageBus({ journal: jsonlJournal(path) })
          bus.tap((record) => void written.push(record))
          for (const value of data) bus.publish(Carried, value)
        }
        await run(first)
        appendFileSync(path, '{"seq":')
        await run(second)

        const events = (records: readonly unknown[]): unknown[] =>
          records.filter((record) => JSON.stringify(record).includes('"kind":"event"'))
        expect(events(await read(path))).toEqual(events(written))
        expect(events(written)).toHaveLength(first.length + second.length)
      }),
      { numRuns: 50 },
    )
  })
})

describe('G4, LLMgine: messages that left no trace', () => {
  test('every message is recorded: before start, handled, unhandled, failed, filtered, refused, at shutdown', async () => {
    const { bus, journal } = recordedBus()
    bus.publish(Greeted, { name: 'nobody listens yet' })
    await rejection(bus.execute(Greet, { name: 'nobody handles it yet' }))
    bus.handle(Greet, async ({ name }, scope) => {
      scope.publish(Greeted, { name })
      if (name === 'fails') throw new Error('no')
      return ''
    })
    await bus.execute(Greet, { name: 'inside a handler' })
    await rejection(bus.execute(Greet, { name: 'fails' }))
    await rejection(bus.execute(Greet, { name: '' }))
    const off = bus.use(filter(() => false))
    bus.on(Greeted, () => undefined)
    await bus.publish(Greeted, { name: 'filtered' }).settled
    await rejection(bus.execute(Greet, { name: 'filtered' }))
    off()
    const last = bus.execute(Greet, { name: 'running' })
    const stopping = bus.stop()
    await rejection(bus.execute(Greet, { name: 'too late' }))
    await Promise.all([last, stopping])

    const count = (line: string): number => story(journal).filter((other) => other === line).length
    expect(count('command people.greet')).toBe(7)
    expect(count('result people.greet')).toBe(7)
    expect(count('event people.greeted')).toBe(5)
    expect(count('note bus.filtered')).toBe(1)
    expect(journal.lines).toHaveLength(1 + 7 + 7 + 5 + 1)
  })

  test('an event that is refused has a note of why', () => {
    const { bus, journal } = recordedBus()
    thrownBy(() => bus.publish(Carried, new Map()))

    expect(story(journal)).toEqual(['note bus.rejected'])
  })
})

describe('G5: a record tells enough to rebuild a run', () => {
  test('type, kind, session, turn, sequence, time, duration, cause and root stand in the file', async () => {
    const path = newFile()
    let time = 1000
    const bus = new MessageBus({ journal: jsonlJournal(path), now: () => time, newId: () => 'run' })
    bus.handle(Carry, (input) => input)
    bus.handle(Greet, async ({ name }, scope) => {
      await scope.execute(Carry, name)
      time += 5
      scope.publish(Greeted, { name })
      return ''
    })
    await bus.session('s1').execute(Greet, { name: 'Ada' }, { turn: 't1' })
    await bus.stop()
    const [, ...records] = await read(path)

    const common = { session: 's1', turn: 't1', root: 'run-1' }
    const first = { ...common, time: 1000 }
    const later = { ...common, time: 1005 }
    expect(records).toEqual([
      { ...first, seq: 1, kind: 'command', type: 'people.greet', id: 'run-1', data: { name: 'Ada' } },
      {
        ...first,
        seq: 2,
        kind: 'command',
        type: 'things.carry',
        id: 'run-1.1',
        cause: 'run-1',
        data: 'Ada',
      },
      {
        ...first,
        seq: 3,
        kind: 'result',
        type: 'things.carry',
        of: 'run-1.1',
        cause: 'run-1',
        ms: 0,
        status: 'ok',
        output: 'Ada',
      },
      {
        ...later,
        seq: 4,
        kind: 'event',
        type: 'people.greeted',
        id: 'run-1.2',
        cause: 'run-1',
        data: { name: 'Ada' },
      },
      {
        ...later,
        seq: 5,
        kind: 'result',
        type: 'people.greet',
        of: 'run-1',
        ms: 5,
        status: 'ok',
        output: '',
      },
    ])
  })
})

test('row 84: a call to what nobody knows is in the journal with its input and its failure', async () => {
  const { bus, journal } = recordedBus()
  const input: JsonValue = { tool: 'unknown' }
  await rejection(bus.execute(Carry, input))

  expect(journal.records.slice(1)).toMatchObject([
    { kind: 'command', type: 'things.carry', data: input },
    { kind: 'result', status: 'error', error: { code: 'NO_HANDLER' } },
  ])
})
