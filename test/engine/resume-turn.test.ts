import {
  AppendMessages,
  CallTool,
  defineTool,
  OpenSession,
  ResumeTurn,
  RunTurn,
  Session,
  toolCalled,
  TurnFailed,
  type ConversationMessage,
  type ModelRequest,
  type Participant,
  type ScriptedStep,
  type ToolChatEngineOptions,
} from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { engineWorld } from './fixtures/engine-world.ts'

const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 }
const spent = { ...usage, calls: 1 }
const call = (id: string, name: string, args = '{}') => ({
  id,
  type: 'function' as const,
  function: { name, arguments: args },
})
const asked: ConversationMessage = { id: 't/0', turn: 't', role: 'user', content: 'do all three' }
const called: ConversationMessage = {
  id: 't/1',
  turn: 't',
  role: 'assistant',
  content: null,
  tool_calls: [call('c1', 'reads'), call('c2', 'sets'), call('c3', 'sends')],
  meta: { finishReason: 'tool_calls', usage: spent, cost: 0.5 },
}
const result = (id: string, content: string, place: number): ConversationMessage => ({
  id: `t/${place}`,
  turn: 't',
  role: 'tool',
  tool_call_id: id,
  content,
})
const answered: ConversationMessage = {
  id: 't/5',
  turn: 't',
  role: 'assistant',
  content: 'All done.',
  meta: { finishReason: 'stop', usage: spent },
}

/** Makes the session `s1` as a crash left it. */
const crashed =
  (messages: ConversationMessage[]): Participant =>
  (bus) => {
    bus.use(async (_message, next) => ({ ...Session.parse(await next()), messages, openTurn: 't' }), {
      for: [OpenSession],
    })
  }

function resumed(
  messages: ConversationMessage[],
  steps: readonly ScriptedStep[],
  options: ToolChatEngineOptions = {},
) {
  const runs: string[] = []
  const tool = (name: string, effect: 'read' | 'idempotent' | 'unsafe') =>
    defineTool({
      name,
      description: '',
      parameters: z.object({}),
      effect,
      run: () => (runs.push(name), `${name} ran`),
    })
  const requests: ModelRequest[] = []
  const world = engineWorld(
    steps.map((step): ScriptedStep => (request) => {
      requests.push(request)
      return typeof step === 'function' ? step(request) : step
    }),
    {
      tools: [tool('reads', 'read'), tool('sets', 'idempotent'), tool('sends', 'unsafe')],
      also: [crashed(messages)],
      ...options,
    },
  )
  return { ...world, runs, requests, resume: () => world.bus.session('s1').execute(ResumeTurn, {}) }
}

describe('a turn that a crash ended goes on', () => {
  test('from the user message: the model is asked', async () => {
    const { resume, ends, of } = resumed([asked], [{ text: 'Here.', usage }])
    expect(await resume()).toMatchObject({ turn: 't', reply: 'Here.', steps: 1, usage: spent })
    expect(ends).toEqual(['chat.turnFinished'])
    expect(of('chat.turnFinished')[0]).toMatchObject({ turn: 't', data: { turn: 't' } })
    expect(of('session.commit')[0]?.data).toMatchObject({ turn: 't', status: 'ok' })
  })

  test('from calls without results: those that are safe run again, and the model is told of the other', async () => {
    const { resume, runs, requests } = resumed([asked, called], [{ text: 'Done.', usage }])
    const turn = await resume()
    expect(runs).toEqual(['reads', 'sets'])
    expect(turn?.toolCalls).toMatchObject([
      { id: 'c1', result: 'reads ran', error: null },
      { id: 'c2', result: 'sets ran', error: null },
      { id: 'c3', result: null, error: { code: 'OUTCOME_UNKNOWN' } },
    ])
    expect(requests[0]?.messages.map(({ role, tool_call_id }) => [role, tool_call_id])).toEqual([
      ['user', undefined],
      ['assistant', undefined],
      ['tool', 'c1'],
      ['tool', 'c2'],
      ['tool', 'c3'],
    ])
  })

  test('from some results: only what is missing runs', async () => {
    const { resume, runs } = resumed([asked, called, result('c1', 'read before', 2)], ['Done.'])
    const turn = await resume()
    expect(runs).toEqual(['sets'])
    expect(turn?.toolCalls.map(({ result: told }) => told)).toEqual(['read before', 'sets ran', null])
    expect(turn?.messages.map(({ id }) => id)).toEqual(['t/0', 't/1', 't/2', 't/3', 't/4', 't/5'])
  })

  test('from its last answer: it is only ended, and no model is asked', async () => {
    const results = ['c1', 'c2', 'c3'].map((id, place) => result(id, 'ok', place + 2))
    const { resume, requests, ends } = resumed([asked, called, ...results, answered], [])
    expect(await resume()).toMatchObject({ reply: 'All done.', finishReason: 'stop', steps: 2 })
    expect(requests).toEqual([])
    expect(ends).toEqual(['chat.turnFinished'])
  })

  test('counting what each step took once', async () => {
    const results = ['c1', 'c2', 'c3'].map((id, place) => result(id, 'ok', place + 2))
    const { resume } = resumed([asked, called, ...results], [{ text: 'Done.', usage }])
    expect((await resume())?.usage).toEqual({ inputTokens: 20, outputTokens: 10, totalTokens: 30, calls: 2 })
  })

  test('with the wishes of its input', async () => {
    const wishful = { ...asked, meta: { wishes: { model: 'mine', sampling: { temperature: 0 } } } }
    const { resume, requests } = resumed([wishful], ['ok'])
    await resume()
    expect(requests[0]).toMatchObject({ model: 'mine', temperature: 0 })
  })

  test('and calls of an answer that was cut still do not run', async () => {
    const cut = { ...called, meta: { finishReason: 'length' } }
    const { resume, runs } = resumed([asked, cut], ['Again, then.'])
    expect((await resume())?.toolCalls.map(({ error }) => error?.code)).toEqual([
      'ANSWER_CUT',
      'ANSWER_CUT',
      'ANSWER_CUT',
    ])
    expect(runs).toEqual([])
  })

  test('at most as many of its calls run as may run in one answer', async () => {
    const { resume, runs } = resumed([asked, called], ['ok'], { maxCallsPerStep: 1 })
    expect((await resume())?.toolCalls.map(({ error }) => error?.code ?? null)).toEqual([
      null,
      'ANSWER_CUT',
      'ANSWER_CUT',
    ])
    expect(runs).toEqual(['reads'])
  })

  test('to its end, where a stop rule would have ended it', async () => {
    const { resume, requests } = resumed([asked, { ...called, content: 'Working on it.' }], [], {
      stopWhen: toolCalled('reads'),
    })
    expect(await resume()).toMatchObject({ reply: 'Working on it.', finishReason: 'stopRule', steps: 1 })
    expect(requests).toEqual([])
  })

  test('with the value that its last answer was asked for', async () => {
    const schema = { name: 'output', schema: { type: 'object' } }
    const wishful = { ...asked, meta: { wishes: { schema } } }
    const { resume } = resumed([wishful, { ...answered, content: '{"n": 4}', meta: { model: 'm' } }], [])
    expect(await resume()).toMatchObject({ output: { n: 4 }, model: 'm' })
  })

  test('past a summary that was made in it', async () => {
    const summary: ConversationMessage = {
      id: 'x',
      turn: 't',
      role: 'user',
      content: 'Before: …',
      meta: { kind: 'summary' },
    }
    const wishful = { ...asked, meta: { wishes: { model: 'mine' } } }
    const { resume, requests } = resumed([summary, wishful], ['ok'])
    expect((await resume())?.messages.map(({ content }) => content)).toEqual(['do all three', 'ok'])
    expect(requests[0]?.model).toBe('mine')
  })

  test('unless the one that asks leaves before it begins: it is interrupted still', async () => {
    const { bus, resume, ends } = resumed([asked], ['Here.'])
    const leaving = new AbortController()
    const first = resume()
    const second = bus.session('s1').execute(ResumeTurn, {}, { signal: leaving.signal })
    leaving.abort()
    await expect(second).rejects.toMatchObject({ code: 'CANCELLED' })
    expect((await first)?.reply).toBe('Here.')
    expect(ends).toEqual(['chat.turnFinished'])
  })

  test('once, however often it is asked for', async () => {
    const { resume, ends } = resumed([asked], ['Here.'])
    const turns = await Promise.all([resume(), resume()])
    expect(turns.map((turn) => turn?.reply ?? null)).toEqual(['Here.', null])
    expect(await resume()).toBeNull()
    expect(ends).toEqual(['chat.turnFinished'])
  })

  test('not once its user said something new', async () => {
    const { bus, resume, ends } = resumed([asked], ['New.'])
    const [turn, goneOn] = await Promise.all([bus.session('s1').execute(RunTurn, { text: 'new' }), resume()])
    expect([turn.reply, goneOn]).toEqual(['New.', null])
    expect(ends).toEqual(['chat.turnFailed', 'chat.turnFinished'])
  })
})

test('a session without an open turn has nothing to resume', async () => {
  const world = engineWorld([])
  expect(await world.bus.session('s1').execute(ResumeTurn, {})).toBeNull()
  expect(world.ends).toEqual([])
})

test('new input in place of resuming ends the interrupted turn as failed, once, and its history is valid', async () => {
  const { bus, of, requests, runs } = resumed([asked, called], ['On we go.'])
  const told: unknown[] = []
  bus.on(TurnFailed, (data) => void told.push(data))
  await bus.session('s1').execute(RunTurn, { text: 'never mind' })
  expect(told).toMatchObject([{ turn: 't', error: { code: 'INTERRUPTED' } }])
  expect(runs).toEqual([])
  expect(requests[0]?.messages.map(({ role }) => role)).toEqual([
    'user',
    'assistant',
    'tool',
    'tool',
    'tool',
    'user',
  ])
  expect(
    of('session.commit')
      .filter(({ kind }) => kind === 'command')
      .map(({ data }) => data),
  ).toMatchObject([{ turn: 't', status: 'interrupted' }, { status: 'ok' }])
  expect(of(AppendMessages.type).length).toBeGreaterThan(0)
  expect(of(CallTool.type)).toEqual([])
})
