import {
  BuslineError,
  CallModel,
  defineTool,
  ModelTextReceived,
  ReadContext,
  RunTurn,
  toolChatEngine,
  type Participant,
  type ScriptedStep,
} from 'busline'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { engineWorld } from './fixtures/engine-world.ts'

const look = defineTool({
  name: 'look',
  description: 'Look.',
  parameters: z.object({}),
  run: () => 'seen',
})
const call = { toolCalls: [{ name: 'look', arguments: {} }] }
const usage = { inputTokens: 90, outputTokens: 10, totalTokens: 100 }

/** A model that calls tools as long as it is given any, then answers. */
const insatiable: ScriptedStep = ({ tools }) =>
  tools.length > 0 ? { ...call, usage } : { text: 'Enough.', usage }

/** A model whose answers cost a cent each; that of `free` has no known price. */
const costly =
  (cost: number | null | undefined): Participant =>
  (bus) => {
    let ids = 0
    bus.handle(CallModel, ({ tools, model }) => ({
      message:
        tools.length > 0
          ? {
              role: 'assistant',
              content: null,
              tool_calls: [
                { id: `c${++ids}`, type: 'function', function: { name: 'look', arguments: '{}' } },
              ],
            }
          : { role: 'assistant', content: 'Enough.' },
      finishReason: tools.length > 0 ? 'tool_calls' : 'stop',
      usage,
      model,
      ...(cost !== undefined && { cost }),
    }))
  }

describe('at a limit the model is asked once more without tools', () => {
  test('maxSteps', async () => {
    const { bus, of, ends } = engineWorld(
      Array.from({ length: 9 }, () => insatiable),
      { maxSteps: 3, tools: [look] },
    )
    const result = await bus.session('s1').execute(RunTurn, { text: 'go' })
    expect(result).toMatchObject({ reply: 'Enough.', finishReason: 'maxSteps', steps: 4 })
    expect(of('chat.limitReached').map(({ data }) => data)).toEqual([
      { turn: result.turn, limit: 'maxSteps', value: 3, max: 3 },
    ])
    expect(ends).toEqual(['chat.turnFinished'])
  })

  test('maxTokens', async () => {
    const { bus } = engineWorld(
      Array.from({ length: 9 }, () => insatiable),
      { maxTokens: 150, tools: [look] },
    )
    const result = await bus.session('s1').execute(RunTurn, { text: 'go' })
    expect(result).toMatchObject({ reply: 'Enough.', finishReason: 'maxTokens', steps: 3 })
    expect(result.usage).toMatchObject({ totalTokens: 300, calls: 3 })
  })

  test('maxCost', async () => {
    const { bus } = engineWorld(costly(0.01), { maxCost: 0.025, tools: [look], model: 'm' })
    const result = await bus.session('s1').execute(RunTurn, { text: 'go' })
    expect(result).toMatchObject({ reply: 'Enough.', finishReason: 'maxCost', steps: 4 })
    expect(result.cost).toBeCloseTo(0.04)
  })

  test.each([
    ['there is no price for m', null],
    ['nobody prices model calls', undefined],
  ])('maxCost fails the turn where %s: a limit that nobody keeps is none', async (why, cost) => {
    const { bus, ends } = engineWorld(costly(cost), { maxCost: 1, tools: [look], model: 'm' })
    await expect(bus.session('s1').execute(RunTurn, { text: 'go' })).rejects.toMatchObject({
      code: 'PRICE_UNKNOWN',
      message: expect.stringContaining(why),
    })
    expect(ends).toEqual(['chat.turnFailed'])
  })

  test('maxDurationMs ends a tool that runs, and the model answers without it', async () => {
    const slow = defineTool({
      name: 'look',
      description: '',
      parameters: z.object({}),
      run: (_input, scope) => scope.sleep(60_000),
    })
    const { bus, clock } = engineWorld([call, 'Without it, then.'], { maxDurationMs: 5000, tools: [slow] })
    const started = clock.now()
    const result = await clock.until(bus.session('s1').execute(RunTurn, { text: 'go' }))
    expect(result).toMatchObject({ reply: 'Without it, then.', finishReason: 'maxDuration', steps: 2 })
    expect(result.toolCalls).toMatchObject([
      { error: { message: expect.stringContaining('Outcome unknown') } },
    ])
    expect(clock.now() - started).toBeLessThan(7000)
  })

  test('maxDurationMs: an answer that has begun is the reply', async () => {
    const { bus, clock } = engineWorld(halfAnswer('It is sunny, and'), { maxDurationMs: 5000 })
    const result = await clock.until(bus.session('s1').execute(RunTurn, { text: 'go' }))
    expect(result).toMatchObject({ reply: 'It is sunny, and', finishReason: 'maxDuration', steps: 1 })
    expect(result.messages.at(-1)).toMatchObject({ content: 'It is sunny, and', meta: { partial: true } })
  })

  test('maxDurationMs: a model that says nothing at all gets as long again, then words of ours stand in', async () => {
    const { bus, clock, ends } = engineWorld(halfAnswer(''), { maxDurationMs: 5000 })
    const started = clock.now()
    const result = await clock.until(bus.session('s1').execute(RunTurn, { text: 'go' }))
    expect(result).toMatchObject({
      reply: expect.stringContaining('time of this turn'),
      finishReason: 'maxDuration',
    })
    expect(clock.now() - started).toBeLessThanOrEqual(12_000)
    expect(ends).toEqual(['chat.turnFinished'])
  })

  test('maxDurationMs and newer input end what runs in the context and among the tools', async () => {
    const world = engineWorld(['ok', 'ok'], { maxDurationMs: 5000 })
    const session = world.bus.session('s1')
    session.handle(ReadContext, async (_input, scope) => {
      await scope.sleep(3_600_000)
      return { messages: [], tokens: 0 }
    })
    const started = world.clock.now()
    const turn = session.execute(RunTurn, { text: 'a' })
    await world.clock.advance(100)
    const newer = session.execute(RunTurn, { text: 'b', whileBusy: 'interrupt' })
    await expect(turn).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(await world.clock.until(newer)).toMatchObject({ finishReason: 'maxDuration' })
    expect(world.clock.now() - started).toBeLessThan(15_000)
  })

  test('maxDurationMs counts from when the turn has the session to itself', async () => {
    const steps: ScriptedStep[] = [
      () => {
        clock.jump(60_000)
        return 'slow'
      },
      'ok',
    ]
    const { bus, clock } = engineWorld(steps, { maxDurationMs: 5000 })
    const session = bus.session('s1')
    const first = session.execute(RunTurn, { text: 'a' })
    const second = session.execute(RunTurn, { text: 'b' })
    expect((await first).reply).toBe('slow')
    expect(await second).toMatchObject({ reply: 'ok', finishReason: 'stop' })
  })

  test('calls that the model makes all the same are dropped, and words of ours stand in for nothing', async () => {
    const { bus } = engineWorld([call, call], { maxSteps: 1, tools: [look] })
    const result = await bus.session('s1').execute(RunTurn, { text: 'go' })
    expect(result.reply).toContain('I stopped at the limit')
    expect(result.toolCalls).toHaveLength(1)
    expect(result.messages.at(-1)?.tool_calls).toBeUndefined()
  })
})

/** Says so much, then nothing until it is cancelled. */
function halfAnswer(text: string): Participant {
  return (bus) => {
    bus.handle(CallModel, (_request, scope) => {
      if (text !== '') scope.publish(ModelTextReceived, { text })
      return new Promise((_resolve, reject) => {
        scope.signal.addEventListener('abort', () => reject(new BuslineError('CANCELLED', 'ended')))
      })
    })
  }
}

test('calls above maxCallsPerStep do not run, and the model is told', async () => {
  let runs = 0
  const counted = defineTool({ name: 'look', description: '', parameters: z.object({}), run: () => ++runs })
  const many = { toolCalls: Array.from({ length: 5 }, () => ({ name: 'look', arguments: {} })) }
  const { bus } = engineWorld([many, 'Done.'], { maxCallsPerStep: 3, tools: [counted] })
  const { toolCalls } = await bus.session('s1').execute(RunTurn, { text: 'go' })
  expect(runs).toBe(3)
  expect(toolCalls.map(({ error }) => error?.message ?? null)).toEqual([
    null,
    null,
    null,
    expect.stringContaining('At most 3 calls'),
    expect.stringContaining('At most 3 calls'),
  ])
})

test.each([
  [{ maxSteps: 0 }, 'maxSteps'],
  [{ maxSteps: 1.5 }, 'maxSteps'],
  [{ maxTokens: 0 }, 'maxTokens'],
  [{ maxCost: -1 }, 'maxCost'],
  [{ maxDurationMs: NaN }, 'maxDurationMs'],
  [{ delayedAfter: 0 }, 'delayedAfter'],
  [{ maxCallsPerStep: -1 }, 'maxCallsPerStep'],
  [{ maxResultLength: 0 }, 'maxResultLength'],
  [{ sampling: { temperature: NaN } }, 'sampling'],
])('%j is refused, naming %s', (options, name) => {
  expect(() => toolChatEngine(options)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(name) }),
  )
})
