import {
  BuslineError,
  CallModel,
  defineTool,
  ModelAnswerDelayed,
  ModelTextReceived,
  RunTurn,
  type ErrorCode,
  type ModelRequest,
  type Participant,
  type ScriptedStep,
  type ToolChatEngineOptions,
} from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { engineWorld } from './fixtures/engine-world.ts'

const usage = { inputTokens: 5, outputTokens: 1, totalTokens: 6 }
const failing = (code: ErrorCode, data: Record<string, unknown> = {}): ScriptedStep => ({
  error: new BuslineError(code, `it was ${code}`, { data }),
})
const overloaded = failing('MODEL_UNAVAILABLE', { status: 503 })

function run(steps: readonly ScriptedStep[], options: ToolChatEngineOptions = {}) {
  const world = engineWorld(steps, options)
  const started = world.clock.now()
  const turn = world.clock.until(world.bus.session('s1').execute(RunTurn, { text: 'Hi' }))
  return { ...world, turn, waited: () => world.clock.now() - started }
}

describe('a failure that may pass', () => {
  test('is tried again, each attempt a model.call of its own, and the turn fails not at all', async () => {
    const { turn, of, ends } = run([overloaded, overloaded, 'At last.'])
    expect(await turn).toMatchObject({ reply: 'At last.', steps: 1 })
    const results = of('model.call').filter(({ kind }) => kind === 'result')
    expect(results.map(({ status }) => status)).toEqual(['error', 'error', 'ok'])
    const calls = of('model.call').filter(({ kind }) => kind === 'command')
    expect(of('model.attemptFailed').map(({ data }) => data)).toMatchObject([
      { attempt: 1, call: calls[0]?.id, error: { code: 'MODEL_UNAVAILABLE' } },
      { attempt: 2, call: calls[1]?.id, error: { code: 'MODEL_UNAVAILABLE' } },
    ])
    expect(ends).toEqual(['chat.turnFinished'])
  })

  test('fails the turn once when every attempt failed', async () => {
    const { turn, of, ends } = run([overloaded, overloaded, overloaded, 'never'])
    await expect(turn).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' })
    expect(of('model.attemptFailed')).toHaveLength(2)
    expect(ends).toEqual(['chat.turnFailed'])
  })

  test('waits as long as the server asks', async () => {
    const { turn, waited } = run([failing('RATE_LIMITED', { status: 429, retryAfter: 7000 }), 'Now.'])
    expect((await turn).reply).toBe('Now.')
    expect(waited()).toBe(7000)
  })

  test('is not tried again where the server asks for longer than a minute', async () => {
    const { turn, of } = run([failing('RATE_LIMITED', { status: 429, retryAfter: 61_000 }), 'never'])
    await expect(turn).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    expect(of('model.attemptFailed')).toEqual([])
  })

  test('is billed as far as it tells what it took', async () => {
    const { turn } = run([failing('ANSWER_CUT', { text: '', usage }), { text: 'Whole.', usage }])
    expect((await turn).usage).toEqual({ inputTokens: 10, outputTokens: 2, totalTokens: 12, calls: 2 })
  })

  test.each<[ErrorCode, Record<string, unknown>]>([
    ['INVALID_REQUEST', { status: 400 }],
    ['AUTHENTICATION_FAILED', { status: 401 }],
    ['RATE_LIMITED', { status: 429, code: 'insufficient_quota' }],
    ['BUDGET_EXCEEDED', {}],
  ])('is not %s %j: that is not tried again', async (code, data) => {
    const { turn, of } = run([failing(code, data), 'never'])
    await expect(turn).rejects.toMatchObject({ code })
    expect(of('model.call').filter(({ kind }) => kind === 'command')).toHaveLength(1)
  })
})

describe('what was heard of an answer that broke off', () => {
  test('is marked as superseded, and is not in the history', async () => {
    const cut: ScriptedStep = { text: 'Half an ans', error: { code: 'ANSWER_CUT', message: 'cut' } }
    const { turn, of } = run([cut, 'A whole answer.'])
    const result = await turn
    expect(result.messages.map(({ content }) => content)).toEqual(['Hi', 'A whole answer.'])
    const [call] = of('model.call').filter(({ kind }) => kind === 'command')
    expect(of('model.answerSuperseded').map(({ data }) => data)).toEqual([
      { call: call?.id, text: 'Half an ans' },
    ])
  })

  test('leaves no trace where it was nothing', async () => {
    const { turn, of } = run([overloaded, 'Whole.'])
    await turn
    expect(of('model.answerSuperseded')).toEqual([])
  })

  test('stays as partial text when no attempt is left', async () => {
    const cut: ScriptedStep = { text: 'Half', error: { code: 'ANSWER_CUT', message: 'cut' } }
    const { turn, of } = run([cut], { retry: { attempts: 1 } })
    await expect(turn).rejects.toMatchObject({ code: 'ANSWER_CUT' })
    expect(of('chat.turnFailed')[0]?.data).toMatchObject({
      messages: [{ content: 'Hi' }, { content: 'Half', meta: { partial: true } }],
    })
  })

  test('is kept also when a provider does not tell it in its error', async () => {
    const careless: Participant = (bus) => {
      bus.handle(CallModel, async (_request, scope) => {
        scope.publish(ModelTextReceived, { text: 'I was saying' })
        await scope.sleep(10)
        throw new Error('boom')
      })
    }
    const world = engineWorld(careless)
    await expect(world.clock.until(world.bus.session('s1').execute(RunTurn, { text: 'Hi' }))).rejects.toThrow(
      'boom',
    )
    expect(world.of('chat.turnFailed')[0]?.data).toMatchObject({
      messages: [{ content: 'Hi' }, { content: 'I was saying', meta: { partial: true } }],
    })
  })
})

describe('after a tool ran', () => {
  test('only the question is asked again: the tool is not', async () => {
    let runs = 0
    const pay = defineTool({
      name: 'pay',
      description: '',
      parameters: z.object({}),
      run: () => `paid ${++runs}`,
    })
    const requests: ModelRequest[] = []
    const steps: ScriptedStep[] = [
      { toolCalls: [{ name: 'pay', arguments: {} }] },
      overloaded,
      (request) => (requests.push(request), 'Paid.'),
    ]
    const world = engineWorld(steps, { tools: [pay] })
    const result = await world.clock.until(world.bus.session('s1').execute(RunTurn, { text: 'pay' }))
    expect(result).toMatchObject({ reply: 'Paid.', toolCalls: [{ result: 'paid 1' }] })
    expect(runs).toBe(1)
    expect(requests[0]?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool'])
  })
})

describe('fallbacks', () => {
  test('the next model is asked when the first one fails for good; the result warns', async () => {
    const { turn, of } = run([overloaded, overloaded, overloaded, 'From the second.'], {
      model: 'first',
      fallbacks: ['second'],
    })
    const result = await turn
    expect(result).toMatchObject({
      reply: 'From the second.',
      model: 'second',
      warnings: [
        { code: 'MODEL_ROUTED', message: expect.stringContaining('second was asked in place of first') },
      ],
    })
    expect(of('model.routed').map(({ data }) => data)).toMatchObject([
      { from: 'first', to: 'second', error: { code: 'MODEL_UNAVAILABLE' } },
    ])
  })

  test('at once where trying again would not help, such as a key that is refused', async () => {
    const { turn, of } = run([failing('AUTHENTICATION_FAILED', { status: 401 }), 'Second.'], {
      model: 'first',
      fallbacks: ['second'],
    })
    expect((await turn).reply).toBe('Second.')
    expect(of('model.call').filter(({ kind }) => kind === 'command')).toHaveLength(2)
  })

  test('not where the question itself is refused', async () => {
    const { turn } = run([failing('INVALID_REQUEST', { status: 400 }), 'never'], {
      model: 'first',
      fallbacks: ['second'],
    })
    await expect(turn).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
  })

  test('and the last failure is told when all have failed', async () => {
    const dead = failing('PERMISSION_DENIED', { status: 403 })
    const { turn, of } = run([dead, dead, failing('PROVIDER_FAILED', { status: 501 })], {
      model: 'a',
      fallbacks: ['b', 'c'],
    })
    await expect(turn).rejects.toMatchObject({ code: 'PROVIDER_FAILED' })
    expect(of('model.routed').map(({ data }) => data)).toMatchObject([
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
    ])
  })
})

describe('an answer that is late', () => {
  const late =
    (ms: number): Participant =>
    (bus) => {
      bus.handle(CallModel, async ({ model }, scope) => {
        await scope.sleep(ms)
        return { message: { role: 'assistant', content: 'Sorry.' }, finishReason: 'stop', usage: null, model }
      })
    }

  test('is told at each threshold, and not after it came', async () => {
    const world = engineWorld(late(35_000), { delayedAfter: 10_000 })
    const told: number[] = []
    world.bus.on(ModelAnswerDelayed, ({ waited }) => void told.push(waited))
    await world.clock.until(world.bus.session('s1').execute(RunTurn, { text: 'Hi' }))
    await world.clock.advance(60_000)
    expect(told).toEqual([10_000, 20_000, 30_000])
    expect(world.clock.pending).toBe(0)
  })

  test('is not told once its text arrives', async () => {
    const talking: Participant = (bus) => {
      bus.handle(CallModel, async ({ model }, scope) => {
        await scope.sleep(15_000)
        scope.publish(ModelTextReceived, { text: 'So' })
        await scope.sleep(30_000)
        return { message: { role: 'assistant', content: 'So' }, finishReason: 'stop', usage: null, model }
      })
    }
    const world = engineWorld(talking, { delayedAfter: 10_000 })
    await world.clock.until(world.bus.session('s1').execute(RunTurn, { text: 'Hi' }))
    expect(world.of('model.answerDelayed').map(({ data }) => data)).toMatchObject([{ waited: 10_000 }])
  })
})

test('a wait between two attempts ends with the turn', async () => {
  const world = engineWorld([failing('RATE_LIMITED', { status: 429, retryAfter: 50_000 }), 'never'])
  const stop = new AbortController()
  const turn = world.bus.session('s1').execute(RunTurn, { text: 'Hi' }, { signal: stop.signal })
  await world.clock.advance(1000)
  stop.abort()
  await expect(world.clock.until(turn)).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(world.ends).toEqual(['chat.turnCancelled'])
})
