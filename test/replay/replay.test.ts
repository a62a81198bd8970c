import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createApp,
  defineCommand,
  defineEvent,
  defineTool,
  jsonlJournal,
  MessageBus,
  scriptedProvider,
  type AppOptions,
  type Bus,
  type EventDefinition,
  type Scope,
  type Tool,
  type JournalRecord,
} from 'busline'
import { replay } from 'busline/journal'
import { beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { anyOrder, first, recordsOf, timeless } from './fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'replay-'))

function weather(
  conditions: string | ((location: string, scope: Scope) => string) = 'sunny',
  description = 'Get the current weather of a place.',
): Tool {
  return defineTool({
    name: 'get_weather',
    description,
    parameters: z.object({ location: z.string() }),
    run: ({ location }, scope) => ({
      location,
      conditions: typeof conditions === 'string' ? conditions : conditions(location, scope),
    }),
  })
}
const APP: AppOptions = { systemPrompt: 'You know the weather.', tools: [weather()] }

/** A turn with three parallel calls of a tool, written by an app with the real clock, files and random ids. */
async function recordWeather(): Promise<{ file: string; records: JournalRecord[] }> {
  const file = join(folder, 'weather.jsonl')
  const places = ['Rome', 'Oslo', 'Lima'].map((location) => ({
    name: 'get_weather',
    arguments: { location },
  }))
  await using app = createApp({
    ...APP,
    provider: scriptedProvider([{ toolCalls: places }, 'It is sunny in all of them.', 'You are welcome.']),
    sessions: join(folder, 'sessions'),
    journal: file,
  })
  const chat = app.chat('s1')
  await chat.send('The weather in Rome, Oslo and Lima?')
  await chat.send('Thanks!')
  await app.stop()
  return { file, records: recordsOf(readFileSync(file, 'utf8')) }
}

/** The line of the n-th record of this kind and type. */
function lineOf(records: readonly JournalRecord[], kind: string, type: string, nth = 0): number {
  const found = records.filter((record) => record.kind === kind && record.type === type)[nth]
  return records.findIndex((record) => record === found) + 1
}

describe('a run of an app', () => {
  let file = ''
  let records: JournalRecord[] = []
  beforeAll(async () => ({ file, records } = await recordWeather()))

  it('does the same again, from its file alone', async () => {
    const report = await replay(file, APP)
    expect(first(report)).toBeUndefined()
    expect(timeless(report.records)).toEqual(timeless(records))
  })

  it('reports one changed word of the prompt at the first request that has it', async () => {
    const report = await replay(file, { ...APP, systemPrompt: 'You know the climate.' })
    const line = lineOf(records, 'command', 'session.open')
    expect(first(report)).toEqual({
      kind: 'changed',
      line,
      type: 'session.open',
      path: 'data.systemPrompt',
      recorded: 'You know the weather.',
      replayed: 'You know the climate.',
    })
  })

  it('reports one changed word of the tools that the model is told at that request', async () => {
    const other = weather('sunny', 'Get the present weather of a place.')
    const report = await replay(file, { ...APP, tools: [other] })
    const line = lineOf(records, 'command', 'model.call')
    expect(first(report)).toMatchObject({ kind: 'changed', line, type: 'model.call', path: 'data.hash' })
  })

  it("reports one changed word of a tool's result where the app first uses it", async () => {
    const text = readFileSync(file, 'utf8')
    const result = lineOf(records, 'result', 'tool.call', 1)
    const lines = text.trimEnd().split('\n')
    lines[result - 1] = (lines[result - 1] ?? '').replace('sunny', 'rainy')
    const report = await replay(recordsOf(lines.join('\n')), APP)
    const appended = lineOf(records, 'command', 'session.append', 2)
    expect(first(report)).toMatchObject({
      kind: 'changed',
      line: appended,
      type: 'session.append',
      path: 'data.messages[1].content',
      recorded: expect.stringContaining('sunny'),
      replayed: expect.stringContaining('rainy'),
    })
  })

  it('appends results together that came together, also where the machine was slow between them', async () => {
    const results = records.filter(({ kind, type }) => kind === 'result' && type === 'tool.call')
    const [from = 0] = results.map(({ seq }) => seq)
    const slow = records.map((line) => ({
      ...line,
      time: line.time + 3 * Math.min(Math.max(line.seq - from, 0), results.length),
    }))
    expect(results.map(({ seq }) => seq - from)).toEqual([0, 1, 2])
    for (const live of [[], ['tool.call']]) expect(first(await replay(slow, APP, { live }))).toBeUndefined()
  })

  it("reports another result of a tool's code at the result of its call, where tools run again", async () => {
    const other = weather('cloudy')
    const same = await replay(file, APP, { live: ['tool.call'] })
    expect(first(same)).toBeUndefined()
    const report = await replay(file, { ...APP, tools: [other] }, { live: ['tool.*'] })
    expect(first(report)).toEqual({
      kind: 'changed',
      line: lineOf(records, 'result', 'tool.call'),
      type: 'tool.call',
      path: 'output.conditions',
      recorded: 'sunny',
      replayed: 'cloudy',
    })
  })

  it('reports a message that the code sends beside what it did at the place that it comes to', async () => {
    const Looked = defineEvent('weather.looked', { data: z.object({ location: z.string() }) })
    const other = weather((location, scope) => {
      scope.publish(Looked, { location })
      return 'sunny'
    })
    const report = await replay(file, { ...APP, tools: [other] }, { live: ['tool.call'] })
    const call = lineOf(records, 'command', 'tool.call', 2)
    expect(first(report)).toMatchObject({ kind: 'extra', type: 'weather.looked', line: call + 1 })
  })

  it('tells all differences where it is asked to go on', async () => {
    const report = await replay(file, { ...APP, maxSteps: 1 }, { mode: 'keep-going', patience: 20 })
    expect(report.identical).toBe(false)
    expect(report.divergences.length).toBeGreaterThan(3)
    expect(report.divergences).toContainEqual(
      expect.objectContaining({ path: 'type', replayed: 'chat.limitReached' }),
    )
  })

  it('ends with the reason of its signal', async () => {
    const stop = new AbortController()
    const pause = async (): Promise<void> => stop.abort(new Error('enough'))
    await expect(replay(file, APP, { signal: stop.signal, pause })).rejects.toThrow('enough')
  })
})

const Draw = defineCommand('game.draw', {
  input: z.object({}),
  output: z.object({ card: z.number(), id: z.string(), at: z.number() }),
})
const Drawn = defineEvent('game.drawn', { data: z.object({ card: z.number() }) })
const Ask = defineCommand('game.ask', {
  input: z.object({ question: z.string() }),
  output: z.string(),
  effect: true,
})
const Count = defineCommand('game.count', { input: z.object({}), output: z.number() })

/** A program of its own: it draws from clock, ids and randomness, asks the world, and reacts to what it tells. */
function game(bus: Bus, ask: (question: string) => string | Promise<string> = () => 'not asked'): void {
  let drawn = 0
  bus.handle(Draw, async (_input, scope) => {
    const card = Math.floor(scope.random() * 1000)
    scope.publish(Drawn, { card })
    await scope.sleep(30)
    await scope.execute(Ask, { question: `Is ${card} high?` })
    return { card, id: scope.newId(), at: scope.now() }
  })
  bus.handle(Ask, ({ question }) => ask(question))
  bus.handle(Count, () => drawn)
  bus.on(Drawn, function countDrawn(_data, scope) {
    drawn++
    if (drawn % 2 === 0) void scope.execute(Ask, { question: `${drawn} now` })
  })
}

async function recordGame(name: string, play: (bus: MessageBus) => Promise<unknown>): Promise<string> {
  const file = join(folder, `${name}.jsonl`)
  const bus = new MessageBus({ journal: jsonlJournal(file) })
  bus.attach((on) => game(on, async (question) => `answer to ${question}`))
  await play(bus)
  await bus.stop()
  return file
}

describe('a run of a program of its own', () => {
  it('draws the same times, ids and random numbers', async () => {
    const file = await recordGame('draws', async (bus) => {
      await Promise.all([bus.execute(Draw, {}), bus.execute(Draw, {}), bus.session('s').execute(Draw, {})])
      await bus.execute(Count, {})
    })
    const report = await replay(file, (bus) => game(bus))
    expect(first(report)).toBeUndefined()
    // A busy machine rings two timers at once.
    expect(anyOrder(report.records)).toEqual(anyOrder(recordsOf(readFileSync(file, 'utf8'))))
  })

  it('answers effects that failed with the errors that they failed with', async () => {
    const file = join(folder, 'fails.jsonl')
    const bus = new MessageBus({ journal: jsonlJournal(file) })
    const fail = (): never => {
      throw Object.assign(new TypeError('no line', { cause: new Error('cut') }), { code: 'ENOTCONN' })
    }
    bus.attach((on) => game(on, fail))
    await bus.execute(Draw, {}).catch(() => undefined)
    await bus.execute(Ask, { question: '' }, { timeout: 5 }).catch(() => undefined)
    await bus.stop()
    expect(first(await replay(file, (on) => game(on)))).toBeUndefined()
  })

  it('goes through the runs of a file that was continued, one after another', async () => {
    const play = (bus: MessageBus): Promise<unknown> => bus.execute(Draw, {})
    await recordGame('twice', play)
    const file = await recordGame('twice', play)
    const recorded = recordsOf(readFileSync(file, 'utf8'))
    expect(recorded.filter(({ type }) => type === 'bus.opened')).toHaveLength(1)
    const report = await replay(recorded, (bus) => game(bus))
    expect(first(report)).toBeUndefined()
    expect(report.records).toHaveLength(recorded.length)
  })

  it('says so when the app handles no such command', async () => {
    const file = await recordGame('unknown', (bus) => bus.execute(Count, {}))
    expect(first(await replay(file, () => undefined))).toMatchObject({
      kind: 'missing',
      line: 2,
      type: 'game.count',
      replayed: 'The app handles no game.count.',
    })
  })

  it('says so when what came from outside does not fit any more', async () => {
    const told = (data: z.ZodType): EventDefinition => defineEvent('game.told', { data })
    const file = await recordGame('unfit', async (bus) => {
      const Told = told(z.object({ n: z.number() }))
      for (const n of [1, 2]) bus.publish(Told, { n })
      await bus.execute(Count, {})
    })
    const stricter = (bus: Bus): void => {
      game(bus)
      bus.on(told(z.object({ n: z.literal(2) })), () => undefined)
    }
    const report = await replay(file, stricter, { mode: 'keep-going', patience: 20 })
    expect(report.divergences).toMatchObject([
      { kind: 'extra', line: 2, type: 'bus.rejected' },
      { kind: 'missing', line: 2, type: 'game.told', replayed: expect.stringContaining('n: Invalid input') },
    ])
  })

  it('says so when the app does nothing any more where it did something', async () => {
    const file = await recordGame('silent', (bus) => bus.execute(Draw, {}))
    const silent = (bus: Bus): void => void bus.handle(Draw, () => new Promise(() => undefined))
    expect(first(await replay(file, silent, { patience: 30 }))).toMatchObject({
      kind: 'missing',
      line: 3,
      type: 'game.drawn',
    })
  })

  it('cancels what was cancelled from outside, where it was', async () => {
    const stop = new AbortController()
    const file = await recordGame('cancelled', async (bus) => {
      bus.on(Drawn, () => stop.abort())
      await bus.execute(Draw, {}, { signal: stop.signal }).catch(() => undefined)
      await bus.execute(Count, {})
    })
    expect(readFileSync(file, 'utf8')).toContain('"status":"cancelled"')
    const report = await replay(file, (bus) => game(bus))
    expect(first(report)).toBeUndefined()
  })
})

describe('replay', () => {
  it('writes durations of the run, not of the clock', async () => {
    const file = await recordGame('durations', (bus) => bus.execute(Draw, {}))
    const { records } = await replay(file, (bus) => game(bus))
    const total = (records.at(-1)?.time ?? 0) - (records[0]?.time ?? 0)
    const durations = records.flatMap(({ ms }) => ms ?? [])
    expect(durations.length).toBeGreaterThan(1)
    for (const ms of durations) expect(ms).toBeLessThanOrEqual(total)
  })

  it('sends what came from outside once, whatever the app makes of it', async () => {
    const file = await recordGame('once', (bus) => bus.execute(Count, {}))
    const asked: string[] = []
    const strange = (bus: Bus): void => {
      bus.handle(Count, () => asked.push('once'))
      void bus.execute(Count, {})
    }
    const report = await replay(file, strange, { mode: 'keep-going', patience: 20 })
    expect(report.identical).toBe(false)
    expect(asked.length).toBeLessThan(4)
  })

  it('attaches the participants of an app, handlers of its own and subscribers', async () => {
    const file = join(folder, 'participants.jsonl')
    const options: AppOptions = { participants: [(bus: Bus): void => game(bus, () => 'yes')] }
    const app = createApp({ ...options, provider: scriptedProvider(['Hello.']), journal: file })
    await app.bus.execute(Draw, {})
    await app.chat('s1').send('Hi')
    await app.stop()
    expect(first(await replay(file, options))).toBeUndefined()
    expect(first(await replay(file, {}))).toMatchObject({ kind: 'missing', type: 'game.draw' })
  })

  it('lets effects that run again use the world', async () => {
    const touch = (bus: Bus): void => {
      bus.handle(Draw, async (_input, scope) => {
        await scope.execute(Ask, { question: '?' })
        return { card: 1, id: 'a', at: 0 }
      })
      bus.handle(Ask, () => (Date.now() > 0 ? 'now' : 'never'))
    }
    const file = join(folder, 'touch.jsonl')
    const bus = new MessageBus({ journal: jsonlJournal(file) })
    bus.attach(touch)
    await bus.execute(Draw, {})
    await bus.stop()
    const report = await replay(file, touch, { live: ['game.ask'] })
    expect({ first: first(report), findings: report.findings }).toEqual({ first: undefined, findings: [] })
  })

  it('refuses a run whose beginning was deleted', async () => {
    const file = await recordGame('late', (bus) => bus.execute(Count, {}))
    const late = recordsOf(readFileSync(file, 'utf8')).slice(1)
    await expect(replay(late, APP)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND', data: { seq: 1 } })
  })

  it('refuses what it can do nothing with', async () => {
    await expect(replay([], APP)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    // @ts-expect-error There is no such mode.
    await expect(replay([], APP, { mode: 'loose' })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(replay([], APP, { patience: -1 })).rejects.toMatchObject({ data: { option: 'patience' } })
    await expect(replay(join(folder, 'none.jsonl'), APP)).rejects.toMatchObject({ code: 'FILE_FAILED' })
  })
})
