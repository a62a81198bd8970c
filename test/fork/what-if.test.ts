import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createApp,
  defineTool,
  OpenSession,
  RunTurn,
  scriptedProvider,
  type Bus,
  type ModelRequest,
  type ScriptedStep,
} from 'busline'
import { readJournal, sessionsIn, whatIf } from 'busline/journal'
import { beforeAll, describe, expect, test } from 'vitest'
import { planOf } from '../../src/fork/run-plan.ts'
import { calls as callAll, loopbackServer, say } from '../programs/fixtures/loopback-server.ts'
import * as z from 'zod'
import {
  faultsIn,
  folderForFile,
  recordRun,
  recordsOf,
  THREE_CALLS,
  weather,
} from './fixtures/three-tools.ts'

const folder = folderForFile()
let parent: Awaited<ReturnType<typeof recordRun>>

beforeAll(async () => {
  parent = await recordRun(folder)
})

/** The tools and a scripted model, which keeps what it was asked. */
function app(steps: readonly ScriptedStep[]) {
  const requests: ModelRequest[] = []
  const calls: string[] = []
  const provider = scriptedProvider(
    steps.map((step) => (request) => {
      requests.push(request)
      return typeof step === 'function' ? step(request) : step
    }),
  )
  return { options: { provider, tools: [weather(calls, 'unsafe')] }, requests, calls }
}

const cities = (...names: string[]): ScriptedStep => ({
  toolCalls: names.map((city) => ({ name: 'get_weather', arguments: { city } })),
})

describe('whatIf', () => {
  test('runs all turns with another model and prompt, tools from the record, both ends side by side', async () => {
    const { options, requests, calls } = app([THREE_CALLS, 'Warm.', 'Very.'])
    const before = readFileSync(parent.journal)
    const set = { model: 'other', systemPrompt: 'Say more.' }
    const report = await whatIf(parent.journal, options, { set, to: join(folder, 'all.jsonl') })
    expect(calls).toEqual([])
    expect(report.answered).toEqual({ recorded: 3, live: 0, stubbed: 0 })
    expect(report.turns.map(({ parent: was, fork: is }) => [was?.reply, is.reply])).toEqual([
      ['Mild, warm, cold.', 'Warm.'],
      ['Yes.', 'Very.'],
    ])
    expect(report.turns.map(({ parent: was, fork: is }) => [was?.model, is.model])).toEqual([
      ['gpt-4o-mini', 'other'],
      ['gpt-4o-mini', 'other'],
    ])
    expect(report.turns[0]?.fork.toolCalls).toMatchObject(report.turns[0]?.parent?.toolCalls ?? [])
    expect(
      new Set(requests.map(({ model, messages }) => JSON.stringify([model, messages[0]?.content]))),
    ).toEqual(new Set(['["other","Say more."]']))
    const session = (await sessionsIn(readJournal(report.path))).get('trip')
    expect(session).toMatchObject({ model: 'other', systemPrompt: 'Say more.' })
    expect(session?.messages.filter(({ role }) => role === 'user')).toHaveLength(2)
    expect(faultsIn(session?.messages ?? [])).toEqual([])
    expect(readFileSync(parent.journal).equals(before)).toBe(true)
  })

  test('asks a server on the network; parallel calls in another order are answered from the record', async () => {
    await using server = await loopbackServer((response, _request, index) => {
      if (index > 0) return say(response, 'Warm.')
      callAll(
        response,
        ['Oslo', 'Paris', 'Oslo'].map((city) => ['get_weather', { city }]),
      )
    })
    const calls: string[] = []
    const options = { baseURL: server.url, tools: [weather(calls)] }
    const to = join(folder, 'network.jsonl')
    const report = await whatIf(parent.journal, options, { set: { model: 'loop' }, to, turns: 'this' })
    expect(report.answered).toEqual({ recorded: 3, live: 0, stubbed: 0 })
    expect(report.turns).toMatchObject([{ fork: { status: 'ok', reply: 'Warm.', model: 'loop' } }])
    expect(report.turns[0]?.fork.toolCalls.map(({ result }) => result)).toEqual([
      { city: 'Oslo', temperature: 20 },
      { city: 'Paris', temperature: 25 },
      { city: 'Oslo', temperature: 20 },
    ])
    expect(calls).toEqual([])
    expect(server.requests[0]).toMatchObject({ messages: [{}, { content: 'Weather in Paris, Rome, Oslo?' }] })
  })

  test('stops at a call that the record does not hold, naming it', async () => {
    const { options, calls } = app([cities('Paris', 'Lima'), 'Warm.'])
    const attempt = whatIf(parent.journal, options, { to: join(folder, 'stop.jsonl') })
    await expect(attempt).rejects.toMatchObject({
      code: 'WHAT_IF_STOPPED',
      data: { name: 'get_weather', arguments: { city: 'Lima' }, path: join(folder, 'stop.jsonl') },
    })
    await expect(attempt).rejects.toThrow(/get_weather with \{"city":"Lima"\}.*"tools".*stop\.jsonl/)
    expect(calls).toEqual([])
  })

  test('without a place each attempt gets one of its own in forks/, also at the same time, and of a fork', async () => {
    const journal = join(folder, 'often.jsonl')
    const parentApp = createApp({ provider: scriptedProvider(['A.']), journal })
    await parentApp.chat('s').send('1')
    await parentApp.stop()
    const again = (path: string) => whatIf(path, app(['B.']).options, { at: 1 })
    const [one, two] = await Promise.all([again(journal), again(journal)])
    const three = await again(one.path)
    const place = (name: string) => join(folder, 'forks', `often.fork-1${name}`)
    expect([one.path, two.path].toSorted()).toEqual([place('-2.jsonl'), place('.jsonl')])
    expect(one.sessionsDir).toBe(one.path.replace('.jsonl', '-sessions'))
    expect(three.path).toBe(one.path.replace('.jsonl', '.fork-1.jsonl'))
    const taken = whatIf(journal, app(['B.']).options, { to: one.path })
    await expect(taken).rejects.toMatchObject({ code: 'FILE_FAILED', message: expect.stringMatching(/"to"/) })
  })

  test.each([
    ['live', ['Lima'], { recorded: 1, live: 1, stubbed: 0 }, '{"city":"Lima","temperature":20}'],
    ['stub', [], { recorded: 1, live: 0, stubbed: 1 }, '{"city":"Lima","stub":true}'],
    [
      'record',
      [],
      { recorded: 1, live: 0, stubbed: 0 },
      'Error (OUTCOME_UNKNOWN): The result of this call of get_weather is not known, and asking again will not tell it. Go on without it.',
    ],
  ] as const)('%s: answers such a call its own way', async (tools, ran, answered, told) => {
    const { options, requests, calls } = app([cities('Paris', 'Lima'), 'Warm.'])
    const stub = ({ arguments: args }: { arguments: unknown }) => ({
      ...z.object({}).loose().parse(args),
      stub: true,
    })
    const to = join(folder, `${tools}.jsonl`)
    const report = await whatIf(parent.journal, options, { to, tools, turns: 'this', stub })
    expect(calls).toEqual(ran)
    expect(report.answered).toEqual(answered)
    expect(report.turns).toHaveLength(1)
    expect(requests[1]?.messages.at(-1)?.content).toContain(told)
  })

  test('an open call runs live though its tool is not safe to repeat: in the fork it has not run', async () => {
    const at = parent.records.findIndex(({ kind, type }) => kind === 'command' && type === 'tool.call') + 1
    const { options, requests, calls } = app(['Warm.'])
    const to = join(folder, 'open.jsonl')
    const set = { 'data.arguments.city': 'Lima' }
    const report = await whatIf(parent.journal, options, { at, to, set, tools: 'live', turns: 'this' })
    expect(calls).toEqual(['Lima'])
    expect(report.turns[0]?.fork).toMatchObject({ reply: 'Warm.', status: 'ok' })
    expect(requests[0]?.messages.map(({ content }) => content)).toContain('{"city":"Lima","temperature":20}')
    // The open call and the one below it, which ran, are one.
    const { calls: planned } = await planOf(to)
    expect(new Set(planned.map(({ call }) => call)).size).toBe(planned.length)
  })

  test('a changed result of a tool is what the model is told', async () => {
    const at = parent.records.findLastIndex(({ kind, type }) => kind === 'result' && type === 'tool.call') + 1
    const { options, requests } = app(['Hot.', 'Very.'])
    const to = join(folder, 'result.jsonl')
    const report = await whatIf(parent.journal, options, { at, to, set: { 'output.temperature': 99 } })
    expect(report.turns.map(({ fork }) => fork.reply)).toEqual(['Hot.', 'Very.'])
    expect(JSON.stringify(requests[0]?.messages)).toContain('\\"temperature\\":99')
  })

  test('a call is answered by what it came to behind the line, not by what it had come to before', async () => {
    const journal = join(folder, 'twice.jsonl')
    let thrown = 0
    const dice = defineTool({
      name: 'dice',
      description: '',
      parameters: z.object({}),
      run: () => ++thrown,
    })
    const call = { toolCalls: [{ name: 'dice', arguments: {} }] }
    const steps = [call, 'One.', call, 'Two.', 'Bye.']
    const parentApp = createApp({ provider: scriptedProvider(steps), tools: [dice], journal })
    for (const text of ['1', '2', '3']) await parentApp.chat('s').send(text)
    await parentApp.stop()
    const told = ({ messages }: ModelRequest): string => JSON.stringify(messages.at(-1)?.content)
    const inputs = (await recordsOf(journal)).filter(
      ({ kind, type }) => kind === 'command' && type === 'chat.runTurn',
    )
    const repliesFrom = async (turn: number): Promise<unknown> => {
      const { options } = app([call, told, call, told])
      const to = join(folder, `twice-${turn}.jsonl`)
      const run = { at: inputs[turn]?.seq ?? 0, to }
      const { turns } = await whatIf(journal, { ...options, tools: [dice] }, run)
      return turns.map(({ fork }) => fork.reply)
    }
    expect(await repliesFrom(1)).toEqual(['"2"', '"2"'])
    expect(await repliesFrom(2)).toEqual(['"2"'])
    expect(thrown).toBe(2)
  })

  test('a call that held secrets is the recorded one, which holds none', async () => {
    const journal = join(folder, 'secret.jsonl')
    const open = defineTool({
      name: 'open',
      description: '',
      parameters: z.object({ password: z.string(), url: z.string() }),
      run: () => 'opened',
    })
    const args = { password: 'open sesame', url: 'https://ali.example/?key=hidden-treasure' }
    const call = { toolCalls: [{ name: 'open', arguments: args }] }
    const provider = (bus: Bus) => {
      bus.secret('hidden-treasure')
      return scriptedProvider([call, 'In.'])(bus)
    }
    const parentApp = createApp({ provider, tools: [open], journal })
    await parentApp.chat('s').send('Open it.')
    await parentApp.stop()
    expect(readFileSync(journal, 'utf8')).not.toMatch(/sesame|treasure/)
    const { answered } = await whatIf(journal, { provider, tools: [open] })
    expect(answered).toEqual({ recorded: 1, live: 0, stubbed: 0 })
  })

  test('a call made again after its result was changed comes to the changed one', async () => {
    const at = parent.records.findLastIndex(({ kind, type }) => kind === 'result' && type === 'tool.call') + 1
    const { city } = z.object({ city: z.string() }).parse(parent.records[at - 1]?.output)
    const { options, requests } = app([cities(city), 'Hot.'])
    const to = join(folder, 'changed-again.jsonl')
    const set = { 'output.temperature': 99 }
    await whatIf(parent.journal, options, { at, to, set, turns: 'this' })
    expect(requests[1]?.messages.at(-1)?.content).toContain('"temperature":99')
  })

  test('a turn that fails is data, and the next is run', async () => {
    const { options } = app([{ error: { code: 'AUTHENTICATION_FAILED', message: 'no' } }, 'Yes.'])
    const report = await whatIf(parent.journal, options, { to: join(folder, 'fails.jsonl') })
    expect(report.turns.map(({ fork: { status, error, reply } }) => [status, error?.code, reply])).toEqual([
      ['error', 'AUTHENTICATION_FAILED', null],
      ['ok', undefined, 'Yes.'],
    ])
  })

  test('another tool of the same name is asked nothing that the record answers', async () => {
    const never = defineTool({
      name: 'get_weather',
      description: '',
      parameters: z.object({ city: z.string() }),
      run: () => Promise.reject(new Error('must not run')),
    })
    const to = join(folder, 'never.jsonl')
    const { options } = app([THREE_CALLS, 'Warm.', 'Very.'])
    const report = await whatIf(parent.journal, { ...options, tools: [never] }, { to })
    expect(report.turns[0]?.fork.toolCalls.map(({ error }) => error)).toEqual([null, null, null])
  })

  test('a model that the open turn had asked for itself gives way to the one asked for here', async () => {
    const journal = join(folder, 'wishes.jsonl')
    const parentApp = createApp({ provider: scriptedProvider(['A.', 'B.']), journal })
    const chat = parentApp.chat('s')
    await chat.send('1', { model: 'wish-1' })
    await chat.send('2', { model: 'wish-2' })
    await parentApp.stop()
    const { options, requests } = app(['C.', 'D.'])
    await whatIf(journal, options, { set: { model: 'other' } })
    expect(requests.map(({ model }) => model)).toEqual(['other', 'other'])
  })

  test('a session that the run opened later begins as it did there, changed as the others', async () => {
    const journal = join(folder, 'later.jsonl')
    const parentApp = createApp({ provider: scriptedProvider(['A.', 'B.']), journal })
    await parentApp.chat('first').send('1')
    await parentApp.bus.execute(OpenSession, { id: 'second', name: 'Later', systemPrompt: 'Be brief.' })
    await parentApp.chat('second').send('2')
    await parentApp.stop()
    const { options, requests } = app(['C.', 'D.'])
    const report = await whatIf(journal, options, { set: { model: 'other' } })
    expect(requests[1]).toMatchObject({
      model: 'other',
      messages: [{ content: 'Be brief.' }, { content: '2' }],
    })
    expect((await sessionsIn(readJournal(report.path))).get('second')).toMatchObject({ name: 'Later' })
  })

  test('a turn that an earlier run began has its end there beside its end here', async () => {
    const journal = new URL('../golden/resumed-turn.jsonl', import.meta.url).pathname
    const end = (await recordsOf(journal)).find(
      ({ kind, type }) => kind === 'result' && type === 'chat.continueTurn',
    )
    const { reply } = z.object({ reply: z.string() }).parse(end?.output)
    const { options } = app(['New.'])
    const { turns } = await whatIf(journal, options, { to: join(folder, 'resumed.jsonl') })
    expect(turns).toMatchObject([{ input: null, parent: { reply }, fork: { reply: 'New.' } }])
    expect(turns[0]?.parent?.turn).toBe(turns[0]?.fork.turn)
  })

  test('a turn that was caused within another is not said again: its tool is answered', async () => {
    const journal = join(folder, 'nested.jsonl')
    const ask = defineTool({
      name: 'ask',
      description: '',
      parameters: z.object({}),
      // A turn can't wait for one of its own session; it is recorded all the same.
      run: async (_input, scope) => (await scope.execute(RunTurn, { text: 'inner' })).reply,
    })
    const call = { toolCalls: [{ name: 'ask', arguments: {} }] }
    const parentApp = createApp({ provider: scriptedProvider([call, 'Out.']), tools: [ask], journal })
    await parentApp.chat('outer').send('1')
    await parentApp.stop()
    const said = (await recordsOf(journal)).filter(
      ({ kind, type }) => kind === 'command' && type === 'chat.runTurn',
    )
    expect(said).toHaveLength(2)
    const { options } = app([call, 'New.'])
    const { turns, answered } = await whatIf(journal, { ...options, tools: [ask] })
    expect(turns.map(({ session, fork }) => [session, fork.reply])).toEqual([['outer', 'New.']])
    expect(answered).toEqual({ recorded: 1, live: 0, stubbed: 0 })
  })

  test.each([
    [{ tools: 'stub' as const }, 'stub'],
    [{ at: 0 }, 'at'],
    [{ set: { nothing: 1 } }, 'set'],
  ])('%j is refused before anything runs', async (wrong, option) => {
    const { options, requests } = app([])
    const attempt = whatIf(parent.journal, options, { to: join(folder, 'wrong.jsonl'), ...wrong })
    await expect(attempt).rejects.toMatchObject({ code: 'INVALID_OPTION', data: { option } })
    expect(requests).toEqual([])
  })

  test('a run without a model call in a turn has nothing to run again', async () => {
    const journal = join(folder, 'silent.jsonl')
    await createApp({ provider: scriptedProvider([]), journal }).stop()
    await expect(whatIf(journal, app([]).options)).rejects.toMatchObject({ code: 'MESSAGE_NOT_IN_RUN' })
  })
})
