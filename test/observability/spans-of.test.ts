import { defineCommand, SpanEnded, SpanStarted, spansOf, type JournalRecord, type Span } from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { Greet, Greeted, Said } from '../bus/fixtures/greeting.ts'
import { idle, rejection } from '../bus/fixtures/promises.ts'
import { tickingBus } from './fixtures/ticking-bus.ts'

const Visit = defineCommand('people.visit', { input: z.object({}), output: z.string() })

/** Names with their children, as nested arrays. */
type Tree = [name: string, ...children: Tree[]]
const treeOf = ({ name, children }: Span): Tree => [name, ...children.map(treeOf)]

/** A record as a file might hold it. */
function record(fields: Partial<JournalRecord> & { seq: number }): JournalRecord {
  return { time: 1000 + fields.seq, kind: 'command', type: `type${fields.seq}`, ...fields }
}

describe('spans', () => {
  test('hold what a command and its result tell', async () => {
    const { bus, journal, tick } = tickingBus()
    bus.handle(Greet, function greet() {
      tick(5)
      throw new Error('no')
    })
    tick(10)
    await rejection(bus.session('s1').execute(Greet, { name: 'Ada' }, { turn: 't1' }))

    expect(await spansOf(journal.records)).toEqual([
      {
        kind: 'command',
        id: 'id1-1',
        name: 'people.greet',
        parent: undefined,
        root: 'id1-1',
        session: 's1',
        turn: 't1',
        start: 1010,
        ms: 5,
        status: 'error',
        by: 'greet',
        error: { code: 'HANDLER_FAILED', name: 'Error', message: 'no' },
        attributes: {},
        points: [],
        children: [],
      },
    ])
  })

  test('stand below the nearest command, through the events between, the events are points on it', async () => {
    const { bus, journal, tick } = tickingBus()
    bus.handle(Visit, (_, scope) => {
      tick(3)
      scope.publish(Greeted, { name: 'Ada' })
      return 'done'
    })
    bus.handle(Greet, () => 'hello')
    bus.on(Greeted, async ({ name }, scope) => void (await scope.execute(Greet, { name })))
    await bus.execute(Visit, {})
    await idle()

    const [visit] = await spansOf(journal.records)
    expect(visit && treeOf(visit)).toEqual(['people.visit', ['people.greet']])
    expect(visit?.children[0]?.parent).toBe('id1-1')
    expect(visit?.points).toEqual([{ kind: 'event', type: 'people.greeted', time: 1003, id: 'id1-1.1' }])
  })

  test("are linked through a stream's batch, whose line comes after what it caused", async () => {
    const { bus, journal } = tickingBus()
    bus.handle(Visit, async (_, scope) => {
      scope.publish(Said, { text: 'hel' })
      await idle()
      return 'done'
    })
    bus.handle(Greet, () => 'hello')
    bus.on(Said, async (_, scope) => void (await scope.execute(Greet, { name: 'Ada' })))
    await bus.execute(Visit, {})

    expect((await spansOf(journal.records)).map(treeOf)).toEqual([['people.visit', ['people.greet']]])
  })

  test('without a result are interrupted', async () => {
    const records = [record({ seq: 1, id: 'a' }), record({ seq: 2, id: 'a.1', cause: 'a' })]
    expect(await spansOf(records)).toMatchObject([
      { status: 'interrupted', ms: undefined, children: [{ status: 'interrupted' }] },
    ])
  })

  test('of one root, session or turn can be chosen, from anything that yields records', async () => {
    async function* records(): AsyncGenerator<JournalRecord> {
      yield record({ seq: 1, id: 'a', root: 'a', session: 's1', turn: 't1' })
      yield record({ seq: 2, id: 'b', root: 'b', session: 's1', turn: 't2' })
      yield record({ seq: 3, id: 'c', root: 'c', session: 's2' })
    }
    const ids = async (filter: object): Promise<string[]> =>
      (await spansOf(records(), filter)).map(({ id }) => id)

    expect(await ids({})).toEqual(['a', 'b', 'c'])
    expect(await ids({ root: 'c' })).toEqual(['c'])
    expect(await ids({ session: 's1' })).toEqual(['a', 'b'])
    expect(await ids({ turn: 't2' })).toEqual(['b'])
    expect(await ids({ session: 's2', turn: 't2' })).toEqual([])
  })

  test('of which only the end was published began before it', async () => {
    const { bus, journal, tick } = tickingBus()
    tick(50)
    bus.publish(SpanEnded, { span: 'x', name: 'import', ms: 20, status: 'ok', attributes: { rows: 3 } })

    expect(await spansOf(journal.records)).toMatchObject([
      { kind: 'custom', id: 'x', name: 'import', start: 1030, ms: 20, status: 'ok', attributes: { rows: 3 } },
    ])
  })

  test('of one id that come twice are two', async () => {
    const { bus, journal } = tickingBus()
    for (const name of ['first', 'second']) {
      bus.publish(SpanStarted, { span: 'x', name })
      bus.publish(SpanEnded, { span: 'x', name, ms: 1, status: 'ok' })
    }

    expect((await spansOf(journal.records)).map(({ name, status }) => [name, status])).toEqual([
      ['first', 'ok'],
      ['second', 'ok'],
    ])
  })

  test('never stand in a circle, whatever a damaged file says', async () => {
    const records = [
      record({ seq: 1, id: 'a', cause: 'b' }),
      record({ seq: 2, id: 'b', cause: 'a' }),
      record({ seq: 3, id: 'c', cause: 'c' }),
      record({ seq: 4, kind: 'event', id: 'd', cause: 'e' }),
      record({ seq: 5, kind: 'event', id: 'e', cause: 'd' }),
      record({ seq: 6, id: 'f', cause: 'd' }),
      record({ seq: 7, kind: 'event', type: 'span.started', data: 'nonsense', cause: 'f' }),
      record({ seq: 8, kind: 'result', of: 'nobody', status: 'ok' }),
    ]
    const spans = await spansOf(records)

    expect(spans.map(treeOf)).toEqual([['type1', ['type2']], ['type3'], ['type6']])
    expect(spans[2]?.points).toMatchObject([{ type: 'span.started' }])
  })
})

test('a long chain of events that cause events takes no longer than as many by themselves', async () => {
  const chain = Array.from({ length: 20_000 }, (_, seq) =>
    record({ seq, kind: 'event', id: `e${seq}`, ...(seq > 0 && { cause: `e${seq - 1}` }) }),
  )
  const last = record({ seq: 20_000, id: 'c', cause: 'e19999' })
  const before = performance.now()
  expect((await spansOf([...chain, last])).map(({ id }) => id)).toEqual(['c'])
  expect(performance.now() - before).toBeLessThan(6000)
})
