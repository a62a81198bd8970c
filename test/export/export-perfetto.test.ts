import * as fc from 'fast-check'
import { exportPerfetto, type JournalRecord } from 'busline/journal'
import { describe, expect, test } from 'vitest'
import { GOLDEN_RUNS } from '../golden/runs.ts'
import { threeParallelTools } from '../golden/single-turns.ts'
import { ownMessages } from '../golden/own-messages.ts'
import { twoSessions } from '../golden/meeting-turns.ts'
import { journalOf, recordsOf, turnOf, whole } from './fixtures/exported.ts'
import { checkedTrace } from './fixtures/trace-check.ts'

const traceOf = async (records: readonly JournalRecord[]) =>
  checkedTrace(await whole(exportPerfetto(records)))

describe('exportPerfetto', () => {
  test.each(GOLDEN_RUNS)(
    '$name: slices nest, flows have both ends, and each command is drawn once',
    async (run) => {
      const records = recordsOf(await run.play())
      const events = await traceOf(records)
      const drawn = events.filter(({ ph, args }) => 'Bb'.includes(ph) && args?.['line'] !== undefined)
      expect(drawn.map(({ args }) => args?.['id'])).toEqual(
        records.filter(({ kind }) => kind === 'command').map(({ id }) => id),
      )
    },
  )

  test('draws calls that overlap beside each other, with arrows from where they began', async () => {
    const events = await traceOf(recordsOf(await threeParallelTools.play()))
    const calls = events.filter(({ name, ph }) => name === 'tool.call get_weather' && 'BEbe'.includes(ph))
    expect(calls.map(({ ph, ts, id }) => [ph, ts, id])).toEqual([
      ['B', 320_000, undefined],
      ['b', 320_000, '0x1'],
      ['b', 320_000, '0x2'],
      ['e', 370_000, '0x1'],
      ['e', 370_000, '0x2'],
      ['E', 470_000, undefined],
    ])
    expect(events.filter(({ flow_out: out }) => out)).toHaveLength(2)
  })

  test('gives each session a track, and says when an answer was first heard of', async () => {
    const events = await traceOf(recordsOf(await twoSessions.play()))
    const names = events.flatMap(({ name, args }) => (name === 'thread_name' ? [args?.['name']] : []))
    expect(names).toEqual(['session ada', 'session bob'])
    const first = events.filter(({ name }) => name === 'first chunk')
    expect(first.map(({ ts, tid }) => [ts, tid])).toContainEqual([310_000, 2])
  })

  test('draws no times that were read', async () => {
    const about = { id: 'a', root: 'a', time: 5 }
    const run: JournalRecord[] = [
      { seq: 0, kind: 'command', type: 'x', ...about },
      { seq: 1, kind: 'note', type: 'bus.timeRead', cause: 'a', time: 6 },
      { seq: 2, kind: 'note', type: 'bus.dropped', cause: 'a', time: 6 },
    ]
    const names = (await traceOf(run)).map(({ name }) => name)
    expect(names).toContain('bus.dropped')
    expect(names).not.toContain('bus.timeRead')
  })

  test('leads from an event to the command that it caused', async () => {
    const events = await traceOf(recordsOf(await ownMessages.play()))
    const [start] = events.filter(({ flow_out: out }) => out)
    const end = events.find(({ flow_in: into, bind_id: id }) => into && id === start?.bind_id)
    expect([start?.name, end?.name]).toEqual(['→ shop.reserveStock', 'shop.reserveStock'])
  })

  test('closes what has no end at the last line', async () => {
    const events = await traceOf(
      journalOf([
        { kind: 'command', type: 'a.outer', id: '1' },
        { kind: 'command', type: 'a.inner', id: '1.1', cause: '1' },
        { time: 9 },
      ]),
    )
    const ends = events.filter(({ ph }) => ph === 'E')
    expect(ends.map(({ name, ts, args }) => [name, ts, args?.['status']])).toEqual([
      ['a.inner', 9000, 'interrupted'],
      ['a.outer', 9000, 'interrupted'],
    ])
  })

  test('closes what a killed process left open at its last line, so that the next one has the track', async () => {
    const at = { session: 's' }
    const events = await traceOf(
      journalOf([
        { kind: 'command', type: 'a.killed', id: 'a-1', time: 10, ...at },
        { kind: 'note', type: 'bus.recovered', time: 500 },
        { kind: 'note', type: 'bus.opened', time: 500 },
        { kind: 'command', type: 'a.next', id: 'b-1', time: 510, ...at },
        { kind: 'result', type: 'a.next', of: 'b-1', time: 520, ms: 10, status: 'ok', ...at },
      ]),
    )
    const slices = events.filter(({ ph }) => 'BEbe'.includes(ph))
    expect(slices.map(({ ph, name, ts }) => [ph, name, ts])).toEqual([
      ['B', 'a.killed', 10_000],
      ['E', 'a.killed', 10_000],
      ['B', 'a.next', 510_000],
      ['E', 'a.next', 520_000],
    ])
  })

  test('holds the code of an error, not its message, which may say what was said', async () => {
    const error = { code: 'TOOL_FAILED', message: 'no such customer: Ada' }
    const text = await whole(exportPerfetto(turnOf('Hi', 'x', error)))
    expect(text).toContain('TOOL_FAILED')
    expect(text).not.toContain('Ada')
  })

  test('is whole JSON also when the records end in an error, which it throws', async () => {
    async function* damaged(): AsyncGenerator<JournalRecord> {
      yield* journalOf([{ kind: 'command', type: 'a.outer', id: '1' }])
      throw new Error('damaged')
    }
    let text = ''
    const reading = (async () => {
      for await (const piece of exportPerfetto(damaged())) text += piece
    })()
    await expect(reading).rejects.toThrow('damaged')
    expect(checkedTrace(text).filter(({ ph }) => ph === 'E')).toHaveLength(1)
  })

  test('takes numbers of a damaged file that are no times', async () => {
    const events = await traceOf(
      journalOf([
        { kind: 'command', type: 'a.b', id: '1', time: Infinity },
        { kind: 'result', type: 'a.b', of: '1', time: 1e300, ms: Infinity },
        { kind: 'command', type: 'a.b', id: '2', time: -1e300 },
      ]),
    )
    expect(events.filter(({ ph }) => 'BE'.includes(ph))).toHaveLength(4)
  })

  test('slices nest whatever overlaps, outlives its cause, comes twice, is killed, or goes back in time', async () => {
    const step = fc.record({
      end: fc.boolean(),
      pick: fc.nat(9),
      session: fc.constantFrom(undefined, 'a', 'b'),
      killed: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
      time: fc.nat(50),
      ms: fc.option(fc.nat(40), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const records = steps.map(
          ({ end, pick, session, killed, time, ms }, place): Partial<JournalRecord> => {
            if (killed) return { kind: 'note', type: 'bus.opened', time }
            const at = { time, ...(session !== undefined && { session }) }
            if (end)
              return {
                kind: 'result',
                type: 'x',
                of: `${place % 10}`,
                ...(ms !== undefined && { ms }),
                ...at,
              }
            return { kind: 'command', type: 'x', id: `${place % 10}`, cause: `${pick}`, ...at }
          },
        )
        checkedTrace(await whole(exportPerfetto(journalOf(records))))
      }),
      { numRuns: 300 },
    )
  })
})
