import {
  CallModel,
  createApp,
  MessageBus,
  memoryJournal,
  ModelAnswer,
  scriptedProvider,
  usageMeter,
  type PriceTable,
} from 'busline'
import { repriceRun, type JournalRecord } from 'busline/journal'
import { describe, expect, test } from 'vitest'

const prices = (input: number, from = '2020-01-01'): PriceTable => ({
  asOf: '2026-11-01',
  currency: 'USD',
  per: 1_000_000,
  models: [{ match: 'm-*', input, output: 2 * input, from }],
})
const usage = { inputTokens: 1_000_000, outputTokens: 500_000, totalTokens: 1_500_000 }

async function recorded(): Promise<JournalRecord[]> {
  const journal = memoryJournal()
  const steps = [{ text: 'a', usage }, { text: 'b', usage }, { text: 'c' }]
  const app = createApp({
    provider: scriptedProvider(steps),
    model: 'm-1',
    usage: { prices: prices(1) },
    journal,
  })
  const chat = app.chat('s')
  await chat.send('1')
  await chat.send('2', { model: 'other' })
  await chat.send('3')
  await app.stop()
  return journal.records
}

describe('repriceRun', () => {
  test('tells of each call what it cost and what it would have, and counts what nobody knows', async () => {
    const { calls, models, turns, total } = await repriceRun(await recorded(), prices(3))
    expect(calls.map(({ model, oldCost, newCost }) => [model, oldCost, newCost])).toEqual([
      ['m-1', 2, 6],
      ['other', null, null],
      ['m-1', null, null],
    ])
    expect(models).toEqual([
      { model: 'm-1', calls: 2, oldCost: 2, newCost: 6, oldUnknown: 1, newUnknown: 1 },
      { model: 'other', calls: 1, oldCost: 0, newCost: 0, oldUnknown: 1, newUnknown: 1 },
    ])
    expect(turns).toHaveLength(3)
    expect(total).toEqual({ calls: 3, oldCost: 2, newCost: 6, oldUnknown: 2, newUnknown: 2 })
  })

  test('prices at the time of each call unless another is given', async () => {
    const later = prices(5, '2099-01-01')
    expect((await repriceRun(await recorded(), later)).total.newUnknown).toBe(3)
    expect((await repriceRun(await recorded(), later, { at: Date.parse('2100-01-01') })).total.newCost).toBe(
      10,
    )
  })

  test('the same table gives the costs that the meter recorded, nested and failed calls included', async () => {
    const journal = memoryJournal()
    const bus = new MessageBus({ journal })
    bus.attach(usageMeter({ prices: prices(1) }))
    bus.attach(
      scriptedProvider([
        { text: 'inner', usage },
        { text: 'outer', usage },
      ]),
    )
    let isNested = false
    bus.use(
      async (_message, next, scope) => {
        if (!isNested) {
          isNested = true
          await scope.execute(CallModel, { model: 'm-2', messages: [], tools: [] })
        }
        return ModelAnswer.parse(await next())
      },
      { for: [CallModel] },
    )
    await bus.execute(CallModel, { model: 'm-1', messages: [], tools: [] })
    await bus.stop()
    const { calls, turns } = await repriceRun(journal.records, prices(1))
    expect(calls.map(({ oldCost, newCost }) => [oldCost, newCost])).toEqual([
      [2, 2],
      [2, 2],
    ])
    expect(turns).toMatchObject([{ turn: null, calls: 2 }])
  })

  test('one error that ended several calls, the one inside the other, counts once', async () => {
    const call = (seq: number, id: string): JournalRecord => {
      return { seq, time: 0, kind: 'command', type: 'model.call', id, data: { model: 'm-1' } }
    }
    const failed = (seq: number, of: string): JournalRecord => {
      const error = { code: 'OUTPUT_INVALID', name: 'BuslineError', message: '', data: { usage, cost: 1 } }
      return { seq, time: Date.now(), kind: 'result', type: 'model.call', of, status: 'error', error }
    }
    const records = [call(0, 'r-1'), call(1, 'r-1.1'), failed(2, 'r-1.1'), failed(3, 'r-1')]
    expect((await repriceRun(records, prices(1))).total).toMatchObject({ calls: 1, oldCost: 1, newCost: 2 })
  })

  test('refuses what is no price table, and passes over what is no model call', async () => {
    await expect(repriceRun([], { ...prices(1), per: 0 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    const strange: JournalRecord[] = [
      { seq: 0, time: 0, kind: 'result', type: 'model.call', of: 'x', status: 'ok', output: 'text' },
      { seq: 1, time: 0, kind: 'event', type: 'model.call', data: null },
    ]
    expect((await repriceRun(strange, prices(1))).total.calls).toBe(0)
  })
})
