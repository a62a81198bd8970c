import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineCommand, jsonlJournal, MessageBus, type JournalRecord } from 'busline'
import { segmentsOf } from 'busline/journal'
import { simulatedFiles } from 'busline/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { Carried, Carry, Greeted } from '../bus/fixtures/greeting.ts'
import { temporaryFolder } from '../files/fixtures/temporary-folder.ts'
import { linesOf, readAll } from './fixtures/read-all.ts'

/** What a random program does: sends, publishes, or does so in a handler, so deep. */
interface Step {
  readonly send: boolean
  readonly value: unknown
  readonly inside: readonly Step[]
}

const Do = defineCommand('things.do', { input: z.json(), output: z.json() })

const value = fc.oneof(
  { arbitrary: fc.jsonValue({ maxDepth: 2 }), weight: 4 },
  { arbitrary: fc.constantFrom('a', 'b', '"', '語').map((character) => character.repeat(1200)), weight: 1 },
)
const program: fc.Arbitrary<Step[]> = fc.letrec<{ steps: Step[] }>((tie) => ({
  steps: fc.array(
    fc.record({
      send: fc.boolean(),
      value: value.map((json): unknown => JSON.parse(JSON.stringify(json))),
      inside: fc.oneof({ maxDepth: 3 }, fc.constant([]), tie('steps')),
    }),
    { maxLength: 6 },
  ),
})).steps

/** Lines of a program: a command has two, an event one. */
function countOf(steps: readonly Step[]): number {
  return steps.reduce((sum, { send, inside }) => sum + (send ? 2 + countOf(inside) : 1), 0)
}

type Sender = Pick<MessageBus, 'execute' | 'publish'>

async function play(
  sender: Sender,
  steps: readonly Step[],
  waiting: Map<unknown, readonly Step[]>,
): Promise<void> {
  for (const [at, step] of steps.entries()) {
    if (!step.send) sender.publish(Carried, step.value)
    else {
      const input = { at, value: step.value, id: waiting.size }
      waiting.set(input.id, step.inside)
      await sender.execute(Do, JSON.parse(JSON.stringify(input)))
    }
  }
}

const Input = z.object({ id: z.number() })

test('every message of a random program is one line, and comes back as it was, over files, blobs and a torn tail', async () => {
  const folder = temporaryFolder()
  let run = 0
  await fc.assert(
    fc.asyncProperty(program, fc.nat(40), async (steps, torn) => {
      const path = join(folder, `${++run}.jsonl`)
      const tapped: JournalRecord[] = []
      {
        const journal = jsonlJournal(path, { rotate: { bytes: 1500 }, blobs: { over: 1024 } })
        await using bus = new MessageBus({ journal })
        bus.tap((record) => tapped.push(record))
        const waiting = new Map<unknown, readonly Step[]>()
        bus.handle(Do, async (input, scope) => {
          await play(scope, waiting.get(Input.parse(input).id) ?? [], waiting)
          return input
        })
        await play(bus, steps, waiting)
      }
      const messages = tapped.filter(({ kind }) => kind !== 'header')
      expect(messages).toHaveLength(countOf(steps))
      expect(segmentsOf(path).flatMap(linesOf)).toHaveLength(tapped.length + 1)

      appendFileSync(path, '{"seq":99,"time":1,"kind":"event","type":"x"}'.slice(0, torn))
      const records = await readAll(path)
      expect(records.slice(1)).toStrictEqual(tapped)
      expect(records.map(({ seq }) => seq)).toEqual(records.map((_, seq) => seq))
    }),
    { numRuns: 40 },
  )
})

test('a journal that was cut at any byte of its last three lines is continued from the lines before, all of which stay', async () => {
  const whole = simulatedFiles()
  {
    await using bus = new MessageBus({ journal: jsonlJournal('/a.jsonl', { files: whole }) })
    bus.handle(Carry, (input) => input)
    bus.publish(Greeted, { name: 'Ada' })
    await bus.execute(Carry, { text: 'Zoë 🚌' })
    bus.publish(Carried, 'x'.repeat(9000))
  }
  const text = whole.read('/a.jsonl')
  const bytes = Buffer.from(text)
  const lines = text.split('\n').slice(0, -1)
  const lastThree = lines.slice(-3).join('\n')

  for (let end = bytes.length - Buffer.byteLength(lastThree) - 1; end < bytes.length; end++) {
    const left = bytes.toString('utf8', 0, end)
    const kept = left.slice(0, left.lastIndexOf('\n') + 1)
    const cut = end - Buffer.byteLength(kept)
    const files = simulatedFiles()
    const file = files.open('/a.jsonl')
    if ('heldBy' in file) throw new Error('It is held.')
    file.append(bytes.subarray(0, end))
    file.close()
    {
      const journal = jsonlJournal('/a.jsonl', { files })
      await using bus = new MessageBus({ journal, newId: () => 'second' })
      bus.publish(Greeted, { name: 'Bob' })
    }

    const now = files.read('/a.jsonl')
    expect(now.startsWith(kept)).toBe(true)
    const added = now.slice(kept.length).split('\n').slice(0, -1).map(parse)
    const types =
      cut > 0 ? ['bus.recovered', 'bus.opened', 'people.greeted'] : ['bus.opened', 'people.greeted']
    expect(added.map(({ type }) => type)).toEqual(types)
    const first = kept.split('\n').length - 1
    expect(added.map(({ seq }) => seq)).toEqual(types.map((_, place) => first + place))
    if (cut > 0) expect(added[0]?.data).toEqual({ cutBytes: cut })
  }
})

function parse(line: string): JournalRecord {
  return JSON.parse(line)
}
