import { expect, test } from 'vitest'
import { hostileTurn, sends } from './hostile-turn.ts'
import { callStream, piece, read } from './made-stream.ts'

async function callsOf(...args: unknown[]): Promise<string[]> {
  const { calls } = await read(
    callStream(
      ...args.map((text, place) => [
        place === 0
          ? piece({ index: 0, id: 'a', name: 'send', arguments: text })
          : piece({ index: 0, arguments: text }),
      ]),
    ),
  )
  return calls
}

/** One call of `send` with these arguments, of a tool that would do something. */
function sendWith(...args: unknown[]): ReturnType<typeof hostileTurn> {
  const pieces = args.map((text, place) => [
    piece({ index: 0, ...(place === 0 && { id: 'a', name: 'send' }), arguments: text }),
  ])
  return hostileTurn(sends(callStream(...pieces)))
}

test('arguments that are absent, null or empty are none, and a tool without parameters runs', async () => {
  for (const args of [{}, { arguments: null }, { arguments: '' }]) {
    const text = callStream([piece({ index: 0, id: 'a', name: 'ping', ...args })])
    expect((await read(text)).calls).toEqual(['a ping '])
    const { ran, result } = await hostileTurn(sends(text))
    expect(ran).toEqual(['ping {}'])
    expect(result?.reply).toBe('done')
  }
})

test('a tool with parameters does not run without arguments', async () => {
  const { ran, toolResults } = await sendWith('')
  expect(ran).toEqual([])
  expect(toolResults).toEqual([expect.stringContaining('INVALID_ARGUMENTS')])
})

test('arguments that are an object instead of a string are that object', async () => {
  expect(await callsOf({ to: 'x', deep: [1] })).toEqual(['a send {"to":"x","deep":[1]}'])
  expect((await sendWith({ to: 'x' })).ran).toEqual(['send {"to":"x"}'])
})

test('arguments that are encoded twice stay as they came, and nothing runs', async () => {
  const twice = JSON.stringify('{"to":"x"}')
  expect(await callsOf(twice)).toEqual([`a send ${twice}`])
  const { ran, toolResults } = await sendWith(twice)
  expect(ran).toEqual([])
  expect(toolResults).toEqual([expect.stringContaining('INVALID_ARGUMENTS')])
})

test('of {} and then the real ones the real ones are left, in one piece or in many', async () => {
  expect(await callsOf('{}', '{"to":"x"}')).toEqual(['a send {"to":"x"}'])
  expect(await callsOf('{}{"to":"x"}')).toEqual(['a send {"to":"x"}'])
  expect(await callsOf('{', '}', '{"to"', ':"x"}')).toEqual(['a send {"to":"x"}'])
  expect(await callsOf({}, '{"to":"x"}')).toEqual(['a send {"to":"x"}'])
  expect((await sendWith('{}', '{"to":"x"}')).ran).toEqual(['send {"to":"x"}'])
  // Nobody knows which of two was meant.
  expect((await sendWith('{"to":"x"}', '{"to":"y"}')).ran).toEqual([])
})

test('{} and then another call at the same index are two calls', async () => {
  const { calls } = await read(
    callStream(
      [piece({ index: 0, id: 'a', name: 'f', arguments: '{}' })],
      [piece({ index: 0, arguments: '{"x":1}' })],
      [piece({ index: 0, id: 'b', name: 'g', arguments: '{"y":2}' })],
    ),
  )
  expect(calls).toEqual(['a f {"x":1}', 'b g {"y":2}'])
})

test('arguments with trailing text, or in a code fence, stay as they came, and nothing runs', async () => {
  for (const text of [
    '{"to":"x"} Done!',
    '```json\n{"to":"x"}\n```',
    '{"to":"x"}}',
    '{"to":"x"}<|im_end|>',
  ]) {
    expect(await callsOf(text)).toEqual([`a send ${text}`])
    const { ran, toolResults } = await sendWith(text)
    expect(ran).toEqual([])
    expect(toolResults).toEqual([expect.stringContaining('INVALID_ARGUMENTS')])
  }
})

test('the keys __proto__ and constructor poison nothing', async () => {
  const text = '{"to":"x","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
  for (const args of [text, JSON.parse(text)]) {
    const { ran } = await sendWith(args)
    for (const run of ran) expect(run).toMatch(/^send \{"to":"x"/)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect(Reflect.get([], 'polluted')).toBeUndefined()
  }
  expect(await callsOf('{"__proto__":1}')).toEqual(['a send {"__proto__":1}'])
})

test('arguments that are cut inside of an escape are joined as they came', async () => {
  expect(await callsOf('{"to":"a\\', 'u00', 'e9\\', '"b"}')).toEqual(['a send {"to":"a\\u00e9\\"b"}'])
  expect((await sendWith('{"to":"a\\', 'u00', 'e9"}')).ran).toEqual(['send {"to":"aé"}'])
  expect((await sendWith('{"to":"a\\u00')).ran).toEqual([])
})

test('arguments that are a list, a number, null or a text are no object, and nothing runs', async () => {
  for (const text of ['[{"to":"x"}]', '7', 'null', '"x"', 'true'])
    expect((await sendWith(text)).ran).toEqual([])
})
