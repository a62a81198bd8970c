import { defineCommand, spansOf, waterfall, withSpan, type JournalRecord } from 'busline'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { Greet, Greeted } from '../bus/fixtures/greeting.ts'
import { idle, rejection } from '../bus/fixtures/promises.ts'
import { tickingBus } from './fixtures/ticking-bus.ts'

const Visit = defineCommand('people.visit', {
  input: z.object({}),
  output: z.number(),
  startsTurn: true,
})

/** A turn of two commands, one of which fails, with a span, an event, and a delivery that fails. */
async function scriptedRun(): Promise<readonly string[]> {
  const { bus, journal, tick } = tickingBus()
  bus.handle(Visit, async function visit(_, scope) {
    tick(1)
    await withSpan(scope, 'walk', () => tick(4))
    await scope.execute(Greet, { name: 'Ada' })
    await rejection(scope.execute(Greet, { name: 'Eve' }))
    return 2
  })
  bus.handle(Greet, async function greet({ name }, scope) {
    tick(2)
    if (name === 'Eve') throw Object.assign(new Error('not her'), { code: 'NO_EVE' })
    scope.publish(Greeted, { name })
    await idle()
    tick(3)
    return `hello ${name}`
  })
  bus.on(Greeted, () => Promise.reject(new Error('deaf')), { name: 'wall' })
  await bus.session('s1').execute(Visit, {})
  return journal.lines
}

const parse = (lines: readonly string[]): JournalRecord[] =>
  lines.map((line): JournalRecord => JSON.parse(line))

test('a record names type, kind, session, sequence, time, duration, cause and correlation', async () => {
  const [header, ...records] = parse(await scriptedRun())
  const chain = { session: 's1', turn: 'id1-1', root: 'id1-1' }
  const visit = { ...chain, cause: 'id1-1' }
  const deaf = { code: 'HANDLER_FAILED', name: 'Error', message: 'deaf' }

  expect(header).toMatchObject({ v: 1, seq: 0, time: 1000, kind: 'header', type: 'busline.journal' })
  expect(header?.data).toMatchObject({ run: 'id1', node: process.version, pid: process.pid })
  expect(records).toEqual([
    { ...chain, seq: 1, time: 1000, kind: 'command', type: 'people.visit', id: 'id1-1', data: {} },
    {
      ...visit,
      seq: 2,
      time: 1001,
      kind: 'event',
      type: 'span.started',
      id: 'id1-1.1',
      data: { span: 'id2', name: 'walk' },
    },
    {
      ...visit,
      seq: 3,
      time: 1005,
      kind: 'event',
      type: 'span.ended',
      id: 'id1-1.2',
      data: { span: 'id2', name: 'walk', ms: 4, status: 'ok' },
    },
    {
      ...visit,
      seq: 4,
      time: 1005,
      kind: 'command',
      type: 'people.greet',
      id: 'id1-1.3',
      data: { name: 'Ada' },
    },
    {
      ...chain,
      seq: 5,
      time: 1007,
      kind: 'event',
      type: 'people.greeted',
      id: 'id1-1.3.1',
      cause: 'id1-1.3',
      data: { name: 'Ada' },
    },
    {
      ...chain,
      seq: 6,
      time: 1007,
      kind: 'event',
      type: 'bus.deliveryFailed',
      id: 'id1-1.3.1.1',
      cause: 'id1-1.3.1',
      data: {
        event: { id: 'id1-1.3.1', type: 'people.greeted' },
        subscriber: 'wall',
        attempt: 1,
        error: deaf,
      },
    },
    {
      ...chain,
      seq: 7,
      time: 1007,
      kind: 'note',
      type: 'bus.deadLettered',
      cause: 'id1-1.3.1',
      data: expect.objectContaining({ type: 'people.greeted', subscriber: 'wall', error: deaf }),
    },
    {
      ...visit,
      seq: 8,
      time: 1010,
      kind: 'result',
      type: 'people.greet',
      of: 'id1-1.3',
      by: 'greet',
      ms: 5,
      status: 'ok',
      output: 'hello Ada',
    },
    {
      ...visit,
      seq: 9,
      time: 1010,
      kind: 'command',
      type: 'people.greet',
      id: 'id1-1.4',
      data: { name: 'Eve' },
    },
    {
      ...visit,
      seq: 10,
      time: 1012,
      kind: 'result',
      type: 'people.greet',
      of: 'id1-1.4',
      by: 'greet',
      ms: 2,
      status: 'error',
      error: { code: 'NO_EVE', name: 'Error', message: 'not her' },
    },
    {
      ...chain,
      seq: 11,
      time: 1012,
      kind: 'result',
      type: 'people.visit',
      of: 'id1-1',
      by: 'visit',
      ms: 12,
      status: 'ok',
      output: 2,
    },
  ])
})

test('the fields of every line stand in the order of the format, the heavy one last', async () => {
  const order = ['v', 'seq', 'time', 'kind', 'type', 'id', 'of', 'session', 'turn', 'cause', 'root', 'ms']
  const places = [...order, 'status', 'attempt', 'by', 'data', 'output', 'error']
  for (const record of parse(await scriptedRun())) {
    const found = Object.keys(record).map((field) => places.indexOf(field))
    expect(found).not.toContain(-1)
    expect(found).toEqual(found.toSorted((a, b) => a - b))
  }
})

test("the waterfall of a run is rebuilt from its journal's lines alone", async () => {
  const [visit] = await spansOf(parse(await scriptedRun()), { turn: 'id1-1' })

  expect(visit && `\n${waterfall(visit, { width: 60 })}`).toBe(`
people.visit    ok     12 ms ███████████████████████████████
  walk          ok      4 ms   ███████████
  people.greet  ok      5 ms             ██████•███████
  people.greet  error   2 ms                          ██████
`)
})
