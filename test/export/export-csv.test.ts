import * as fc from 'fast-check'
import { exportCsv } from 'busline/journal'
import { describe, expect, test } from 'vitest'
import { GOLDEN_RUNS } from '../golden/runs.ts'
import { cancelledTurn } from '../golden/broken-turns.ts'
import { ownMessages } from '../golden/own-messages.ts'
import { streamedReasoning, threeParallelTools } from '../golden/single-turns.ts'
import type { GoldenRun } from '../golden/golden-run.ts'
import { journalOf, recordsOf, turnOf, whole } from './fixtures/exported.ts'
import { readCsv } from './fixtures/read-csv.ts'

const tableOf = async (run: GoldenRun, table?: 'calls' | 'records' | 'turns') =>
  objectsOf(await whole(exportCsv(recordsOf(await run.play()), { table })))

function objectsOf(csv: string): Record<string, string>[] {
  const [header = [], ...rows] = readCsv(csv)
  return rows.map((row) => Object.fromEntries(row.map((cell, column) => [header[column] ?? '', cell])))
}

describe('exportCsv', () => {
  test('has a row a record, in order, of every golden run', async () => {
    for (const run of GOLDEN_RUNS) {
      const records = recordsOf(await run.play())
      const rows = objectsOf(await whole(exportCsv(records)))
      expect(rows.map(({ line, type }) => [line, type])).toEqual(
        records.map(({ type }, seq) => [`${seq + 1}`, type]),
      )
    }
  })

  test('gives the one heavy field as JSON', async () => {
    const [, first] = await tableOf(ownMessages)
    expect(JSON.parse(first?.['payload'] ?? '')).toEqual({ item: 'lamp', card: '[secret]' })
  })

  test('has a row a call, with what it took and when it was first heard of', async () => {
    expect(await tableOf(streamedReasoning, 'calls')).toMatchObject([
      {
        type: 'model.call',
        name: 'golden-1',
        started: '2026-01-01T00:00:00.000Z',
        first_chunk_ms: '300',
        input_tokens: '50',
        cached_tokens: '20',
        reasoning_tokens: '15',
        cost_usd: '0.00045',
      },
    ])
    const calls = await tableOf(threeParallelTools, 'calls')
    expect(calls.map(({ name, ms }) => [name, ms])).toEqual([
      ['golden-1', '320'],
      ['get_weather', '50'],
      ['get_weather', '50'],
      ['get_weather', '150'],
      ['golden-1', '320'],
    ])
  })

  test('has a row a turn, the cancelled with what was heard', async () => {
    expect(await tableOf(cancelledTurn, 'turns')).toMatchObject([
      { status: 'cancelled', user: 'Tell me a story.', reply: 'Once upon', error_code: 'CANCELLED' },
      { status: 'ok', user: 'How does it end?', reply: 'The end.', error_code: '' },
    ])
  })

  test('tells calls and turns that have no end, last', async () => {
    const records = journalOf([
      { kind: 'command', type: 'chat.runTurn', id: 't', turn: 't', data: { text: 'Hi' } },
      {
        kind: 'command',
        type: 'tool.call',
        id: 't.1',
        turn: 't',
        data: { call: 'c', name: 'x', arguments: {} },
      },
    ])
    expect(objectsOf(await whole(exportCsv(records, { table: 'calls' })))).toMatchObject([
      { status: 'interrupted', ms: '' },
    ])
    expect(objectsOf(await whole(exportCsv(records, { table: 'turns' })))).toMatchObject([
      { status: 'interrupted', user: 'Hi' },
    ])
  })

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', '＝1', '\n=1'])(
    'disarms the formula %j',
    async (text) => {
      const [row] = objectsOf(await whole(exportCsv(turnOf(text, 'x'), { table: 'turns' })))
      expect(row?.['user']).toBe(`'${text}`)
    },
  )

  test('any text comes back from its cell, but for the apostrophe and what is shown', async () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '"', ',', '\n', ';', '=', ' ', "'", 'é', '😀', '\r', '\u001b'),
    })
    await fc.assert(
      fc.asyncProperty(text, async (said) => {
        const [row] = objectsOf(await whole(exportCsv(turnOf(said, 'x'), { table: 'turns' })))
        const shown = said.replaceAll('\r\n', '\n').replaceAll('\r', '\\x0d').replaceAll('\u001b', '\\x1b')
        expect([shown, `'${shown}`]).toContain(row?.['user'])
      }),
    )
  })

  test('says of what is nested deeper than JSON can be written that it is', async () => {
    const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
    const [, row] = objectsOf(await whole(exportCsv(journalOf([{ data: deep }]))))
    expect(row?.['payload']).toContain('nested too deep')
  })

  test('refuses a table that there is not', () => {
    const options = JSON.parse('{"table":"spans"}')
    expect(() => exportCsv([], options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})
