import { callsFailed, defineTool, RunTurn, sameCallRepeated, toolCalled, type TurnState } from 'busline'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { engineWorld } from './fixtures/engine-world.ts'

const tool = (name: string, run: () => unknown) =>
  defineTool({ name, description: '', parameters: z.looseObject({}), run })
const tools = [
  tool('done', () => 'ok'),
  tool('look', () => 'seen'),
  tool('fail', () => {
    throw new Error('no')
  }),
]
const call = (name: string, text?: string, args: object = {}) => ({
  ...(text !== undefined && { text }),
  toolCalls: [{ name, arguments: args }],
})

test('toolCalled ends the turn with what the model said beside the call', async () => {
  const { bus } = engineWorld([call('look'), call('done', 'All is done.'), 'never asked'], {
    tools,
    stopWhen: toolCalled('done'),
  })
  const result = await bus.session('s1').execute(RunTurn, { text: 'go' })
  expect(result).toMatchObject({ reply: 'All is done.', finishReason: 'stopRule', steps: 2 })
  expect(result.messages.at(-1)).toMatchObject({ role: 'tool', content: 'ok' })
})

test('where it said nothing, it is asked once more without tools', async () => {
  const { bus, of } = engineWorld([call('done'), 'In words: done.'], {
    tools,
    stopWhen: [toolCalled('done')],
  })
  expect(await bus.session('s1').execute(RunTurn, { text: 'go' })).toMatchObject({
    reply: 'In words: done.',
    finishReason: 'stopRule',
  })
  const asked = of('model.call').filter(({ kind }) => kind === 'command')
  expect(asked.map(({ data }) => z.object({ tools: z.array(z.string()) }).parse(data).tools.length)).toEqual([
    3, 0,
  ])
})

test('sameCallRepeated ends a turn that goes in circles, not one that varies', async () => {
  const circling = engineWorld([call('look'), call('look', 'Hm.'), 'never'], {
    tools,
    stopWhen: sameCallRepeated(2),
  })
  expect(await circling.bus.session('s1').execute(RunTurn, { text: 'go' })).toMatchObject({
    finishReason: 'stopRule',
    steps: 2,
  })
  const varying = engineWorld([call('look', '', { at: 1 }), call('look', '', { at: 2 }), 'Seen both.'], {
    tools,
    stopWhen: sameCallRepeated(2),
  })
  expect(await varying.bus.session('s1').execute(RunTurn, { text: 'go' })).toMatchObject({
    reply: 'Seen both.',
    finishReason: 'stop',
  })
})

test('callsFailed counts failures in a row only', async () => {
  const { bus } = engineWorld(
    [call('fail'), call('look'), call('fail'), call('fail', 'I give up.'), 'never'],
    {
      tools,
      stopWhen: callsFailed(2),
    },
  )
  expect(await bus.session('s1').execute(RunTurn, { text: 'go' })).toMatchObject({
    reply: 'I give up.',
    finishReason: 'stopRule',
    steps: 4,
  })
})

test('a rule of your own sees the turn so far', async () => {
  const seen: TurnState[] = []
  const { bus } = engineWorld(
    [{ ...call('look', 'One.'), usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } }, 'Two.'],
    { tools, stopWhen: (state) => (seen.push(state), false) },
  )
  await bus.session('s1').execute(RunTurn, { text: 'go' })
  expect(seen).toMatchObject([
    {
      steps: 1,
      text: 'One.',
      toolCalls: [{ name: 'look', result: 'seen' }],
      usage: { totalTokens: 3, calls: 1 },
    },
  ])
})
