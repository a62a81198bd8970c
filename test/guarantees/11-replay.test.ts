// # Replay
//
// The journal of a run and the code that wrote it write the same journal again, byte for byte but for times and durations,
// without asking the world: what came from outside comes again at its place, and effects are answered by the journal. A
// difference is told at the first line that has it.
import { defineCommand, memoryJournal, MessageBus, type Bus, type JournalRecord } from 'busline'
import { replay } from 'busline/journal'
import { expect, test } from 'vitest'
import * as z from 'zod'

const Ask = defineCommand('world.ask', {
  input: z.object({ place: z.string() }),
  output: z.string(),
  effect: true,
})
const Compare = defineCommand('places.compare', { input: z.object({}), output: z.array(z.string()) })

/** Asks for two places at once; which answer comes first is up to the world. */
function places(bus: Bus, word = 'is'): void {
  bus.handle(Compare, async (_input, scope) => {
    const heard: string[] = []
    const ask = async (place: string): Promise<void> => {
      const answer = await scope.execute(Ask, { place })
      heard.push(`${place} ${word} ${answer}`)
    }
    await Promise.all([ask('Rome'), ask('Oslo')])
    return heard
  })
}

async function record(): Promise<{ records: JournalRecord[]; asked: () => number }> {
  const journal = memoryJournal()
  const bus = new MessageBus({ journal })
  bus.attach(places)
  let asked = 0
  bus.handle(Ask, async ({ place }) => {
    asked++
    await new Promise((resolve) => setTimeout(resolve, place === 'Rome' ? 5 : 0))
    return place === 'Rome' ? 'warm' : 'cold'
  })
  await bus.execute(Compare, {})
  await bus.stop()
  return { records: journal.lines.map((line): JournalRecord => JSON.parse(line)), asked: () => asked }
}

test('the same code writes the same journal, and asks nobody', async () => {
  const { records, asked } = await record()
  const report = await replay(records, places)
  const timeless = (lines: readonly JournalRecord[]): unknown[] =>
    lines.slice(1).map(({ time: _time, ms: _ms, ...line }) => line)
  expect(report.identical).toBe(true)
  expect(timeless(report.records)).toEqual(timeless(records))
  expect(asked()).toBe(2)
})

test('a run that was cut by a crash is the same up to there', async () => {
  const { records } = await record()
  for (let lines = 2; lines < records.length; lines++)
    expect((await replay(records.slice(0, lines), places)).divergences).toEqual([])
})

test('other code is told at the first line that differs', async () => {
  const { records } = await record()
  const report = await replay(records, (bus) => places(bus, 'seems'))
  expect(report.divergences).toMatchObject([
    {
      kind: 'changed',
      line: records.length,
      type: 'places.compare',
      path: 'output[0]',
      recorded: 'Oslo is cold',
      replayed: 'Oslo seems cold',
    },
  ])
})

test('what was cancelled from outside is cancelled at the same line, also where the command outlives it', async () => {
  const patient = (bus: Bus): void =>
    void bus.handle(Compare, async (_input, scope) => {
      const place = await scope.execute(Ask, { place: 'Rome' }).catch(() => 'nowhere')
      return [place]
    })
  const journal = memoryJournal()
  const bus = new MessageBus({ journal })
  bus.attach(patient)
  bus.handle(Ask, async (_input, scope) => {
    await scope.sleep(60_000)
    return 'warm'
  })
  const caller = new AbortController()
  const compared = bus.execute(Compare, {}, { signal: caller.signal })
  await new Promise((resolve) => setImmediate(resolve))
  caller.abort()
  expect(await compared).toEqual(['nowhere'])
  await bus.stop()

  expect(journal.records.map(({ type }) => type)).toContain('bus.cancelRequested')
  expect((await replay(journal.records, patient)).divergences).toEqual([])
})
