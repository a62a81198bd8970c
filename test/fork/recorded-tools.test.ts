import { CallTool, memorySessions, toolManager } from 'busline'
import { testBus } from 'busline/testing'
import { expect, test } from 'vitest'
import { answerTools, type RecordedCall } from '../../src/fork/recorded-tools.ts'

const call = (args: unknown, end: RecordedCall['end']): RecordedCall => ({
  call: 'c',
  name: 'count',
  arguments: args,
  end,
  line: 1,
})

function answering(recorded: readonly RecordedCall[]) {
  const { bus } = testBus()
  bus.attach(memorySessions())
  bus.attach(toolManager([]))
  const answered = answerTools(bus, recorded, async (wanted) => ({
    output: ['not recorded', wanted.arguments],
  }))
  const ask = (args: unknown): Promise<unknown> =>
    bus.session('s').execute(CallTool, { call: 'x', name: 'count', arguments: args })
  return { answered, ask }
}

test('each recorded call answers once, in its order, then the last of them again', async () => {
  const { answered, ask } = answering([call({ a: 1 }, { output: 1 }), call({ a: 1 }, { output: 2 })])
  expect([await ask({ a: 1 }), await ask({ a: 1 }), await ask({ a: 1 })]).toEqual([1, 2, 2])
  expect(answered).toEqual({ recorded: 3, live: 0, stubbed: 0 })
})

test('the order of keys does not count, that of a list does', async () => {
  const { ask } = answering([call({ a: { x: 1, y: [1, 2] }, b: 2 }, { output: 'same' })])
  expect(await ask({ b: 2, a: { y: [1, 2], x: 1 } })).toBe('same')
  expect(await ask({ b: 2, a: { y: [2, 1], x: 1 } })).toEqual([
    'not recorded',
    { b: 2, a: { y: [2, 1], x: 1 } },
  ])
})

test('a recorded failure fails again, with its code, and null is an answer', async () => {
  const { ask } = answering([
    call({ a: 1 }, { error: { code: 'ENOENT', message: 'no such file' } }),
    call({ a: 2 }, { output: null }),
  ])
  await expect(ask({ a: 1 })).rejects.toMatchObject({ code: 'ENOENT', message: 'no such file' })
  expect(await ask({ a: 2 })).toBeNull()
})
