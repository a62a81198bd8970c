import { expect, test } from 'vitest'
import { hostileTurn, sends } from './hostile-turn.ts'
import { callStream, piece } from './made-stream.ts'

function calling(...calls: [name: string, args: string][]): ReturnType<typeof sends> {
  return sends(
    callStream(calls.map(([name, args], index) => piece({ index, id: `c${index}`, name, arguments: args }))),
  )
}

test('a tool that does not exist runs nothing, and the model is told', async () => {
  const { ran, toolResults, result } = await hostileTurn(calling(['delete_all', '{}'], ['ping', '{}']))
  expect(ran).toEqual(['ping {}'])
  expect(toolResults[0]).toContain('delete_all')
  expect(toolResults).toHaveLength(2)
  expect(result?.reply).toBe('done')
})

test('a name that differs in case, or has spaces, is another name', async () => {
  const { ran, toolResults } = await hostileTurn(calling(['Ping', '{}'], ['ping ', '{}'], ['PING', '{}']))
  expect(ran).toEqual([])
  for (const told of toolResults) expect(told).toContain('UNKNOWN_TOOL')
})

test('a name that never came, or that no server takes, leaves a valid history', async () => {
  for (const name of [
    '',
    'functions.ping',
    'x'.repeat(200),
    'pïng',
    '__proto__',
    'constructor',
    'toString',
  ]) {
    const { ran, toolResults } = await hostileTurn(calling([name, '{}']))
    expect(ran).toEqual([])
    expect(toolResults).toHaveLength(1)
  }
})

test('more calls than are allowed: the first run, and the model is told of the others', async () => {
  const calls = Array.from({ length: 200 }, (): [string, string] => ['ping', '{}'])
  const { ran, toolResults } = await hostileTurn(calling(...calls))
  expect(ran).toHaveLength(128)
  expect(toolResults).toHaveLength(200)
  expect(toolResults.at(-1)).toContain('At most 128 calls')
})

test('the same call again and again ends in an answer', async () => {
  const again = calling(['ping', '{}'])
  const { ran, result } = await hostileTurn(...Array.from({ length: 10 }, () => again))
  expect(ran).toHaveLength(10)
  expect(result).toMatchObject({ reply: 'done', finishReason: 'maxSteps' })
})

test('a call while no tools were on offer does not run', async () => {
  const again = calling(['ping', '{}'])
  const { ran, result } = await hostileTurn(...Array.from({ length: 11 }, () => again))
  expect(ran).toHaveLength(10)
  expect(result?.finishReason).toBe('maxSteps')
  expect(result?.reply).toMatch(/./)
})
