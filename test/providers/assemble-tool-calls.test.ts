import { expect, test } from 'vitest'
import { ToolCallAssembly } from '../../src/providers/assemble-tool-calls.ts'

/** Each argument is the `tool_calls` of one chunk; calls come out as `id name arguments`. */
function callsOf(...chunks: unknown[]): string[] {
  return assembled(...chunks).calls
}

function assembled(...chunks: unknown[]): { calls: string[]; named: string[] } {
  const assembly = new ToolCallAssembly()
  const named: string[] = []
  for (const chunk of chunks) {
    assembly.add({ tool_calls: chunk }, (call, name) => void named.push(`${call}:${name}`))
  }
  const calls = assembly
    .calls()
    .map(({ id, function: { name, arguments: text } }) => [id || '-', name || '-', text].join(' '))
  return { calls, named }
}

function piece(fields: {
  index?: number | string | null
  id?: string | null
  name?: string | null
  arguments?: unknown
}): unknown {
  const { name, arguments: text, ...rest } = fields
  return { ...rest, function: { name, arguments: text } }
}

test('pieces belong together by index, wherever it starts', () => {
  expect(
    callsOf(
      [piece({ index: 3, id: 'a', name: 'f', arguments: '' })],
      [piece({ index: 7, id: 'b', name: 'g', arguments: '{"y"' })],
      [piece({ index: 3, arguments: '{"x":1}' }), piece({ index: 7, arguments: ':2}' })],
    ),
  ).toEqual(['a f {"x":1}', 'b g {"y":2}'])
})

test('a new id and name at a used index opens a call once the open arguments are complete', () => {
  expect(
    callsOf(
      [piece({ index: 0, id: 'a', name: 'f', arguments: '{"x":1}' })],
      [piece({ index: 0, id: 'b', name: 'g', arguments: '{"y":2}' })],
    ),
  ).toEqual(['a f {"x":1}', 'b g {"y":2}'])
})

test('a new id in each piece does not open a call while the arguments are incomplete or nobody is named', () => {
  expect(
    callsOf(
      [piece({ index: 0, id: 'a', name: 'f', arguments: '{"x"' })],
      [piece({ index: 0, id: 'b', name: 'f', arguments: ':1' })],
      [piece({ index: 0, id: 'c', name: 'f', arguments: '}' })],
      [piece({ index: 0, id: 'd', arguments: ' ' })],
    ),
  ).toEqual(['a f {"x":1} '])
})

test('a prefix that parses does not end a call', () => {
  expect(
    callsOf(
      [piece({ index: 0, id: 'a', name: 'f', arguments: '{"x":1}' })],
      [piece({ index: 0, arguments: '{"x":2}' })],
    ),
  ).toEqual(['a f {"x":1}{"x":2}'])
})

test('an empty object before the real arguments is left out', () => {
  expect(
    callsOf(
      [piece({ index: 0, id: 'a', name: 'f', arguments: '{}' })],
      [piece({ index: 0, arguments: '{"x":1}' })],
    ),
  ).toEqual(['a f {"x":1}'])
  expect(callsOf([piece({ index: 0, id: 'a', name: 'f', arguments: '{} x' })])).toEqual(['a f {} x'])
})

test('the calls of a message are whole, whatever they share', () => {
  const assembly = new ToolCallAssembly()
  const call = piece({ index: 0, id: 'a', name: 'f', arguments: '{}' })
  expect(assembly.addWhole({ tool_calls: [call, call, piece({ name: 'g' })] }, () => undefined)).toBe(true)
  expect(assembly.calls().map(({ id, function: { name } }) => id + name)).toEqual(['af', 'af', 'g'])
})

test('what holds no piece of a call says so', () => {
  const assembly = new ToolCallAssembly()
  expect(assembly.add({}, () => undefined)).toBe(false)
  expect(assembly.add({ tool_calls: [] }, () => undefined)).toBe(false)
  expect(assembly.add({ tool_calls: [piece({ index: 0, arguments: '' })] }, () => undefined)).toBe(true)
})

test('without an index pieces belong together by id, else to the last call', () => {
  expect(
    callsOf(
      [piece({ id: 'a', name: 'f', arguments: '{"x"' })],
      [piece({ id: 'b', name: 'g', arguments: '{"y"' })],
      [piece({ index: null, id: 'a', arguments: ':1}' })],
      [piece({ arguments: ':2}' })],
      [piece({ id: 'new', arguments: ' ' })],
    ),
  ).toEqual(['a f {"x":1}', 'b g {"y":2} '])
})

test('whole calls without index and id, as Gemini sends them, are calls of their own', () => {
  expect(
    callsOf(
      [
        piece({ id: '', name: 'f', arguments: '{"x":1}' }),
        piece({ id: '', name: 'f', arguments: '{"x":2}' }),
      ],
      [piece({ name: 'g', arguments: '{}' })],
    ),
  ).toEqual(['- f {"x":1}', '- f {"x":2}', '- g {}'])
})

test('an id made up for each piece, or a name repeated in each, opens no call that brings no arguments', () => {
  for (const index of [{}, { index: 0 }]) {
    expect(
      callsOf(
        [piece({ ...index, id: 'a', name: 'f', arguments: '' })],
        [piece({ ...index, id: 'b', name: 'f', arguments: '{"limit":' })],
        [piece({ ...index, id: 'c', name: 'f', arguments: '5}' })],
        [piece({ ...index, id: 'd', name: 'f', arguments: '' })],
      ),
    ).toEqual(['a f {"limit":5}'])
    expect(
      callsOf(
        [piece({ ...index, name: 'f', arguments: '{"limit":' })],
        [piece({ ...index, name: 'f', arguments: '5}' })],
        [piece({ ...index, name: 'f', arguments: '' })],
      ),
    ).toEqual(['- f {"limit":5}'])
    expect(
      callsOf(
        [piece({ ...index, id: 'a', name: 'f', arguments: '{"limit":5}' })],
        [piece({ ...index, id: 'b', name: 'f', arguments: '' })],
      ),
    ).toEqual(['a f {"limit":5}'])
  }
})

test('an id that named the function again is that of another call once arguments follow', () => {
  for (const index of [{}, { index: 0 }]) {
    expect(
      callsOf(
        [piece({ ...index, id: 'a', name: 'f', arguments: '{"x":1}' })],
        [piece({ ...index, id: 'b', name: 'f', arguments: '' })],
        [piece({ ...index, arguments: '{"x"' })],
        [piece({ ...index, arguments: ':2}' })],
      ),
    ).toEqual(['a f {"x":1}', 'b f {"x":2}'])
  }
})

test('without an index, another name is another call, and so is each of a list that has ids of their own', () => {
  expect(
    callsOf(
      [piece({ name: 'f', arguments: '' })],
      [piece({ name: 'g', arguments: '' })],
      [piece({ arguments: '{"y":2}' })],
    ),
  ).toEqual(['- f ', '- g {"y":2}'])
  expect(callsOf([piece({ id: 'a', name: 'f' }), piece({ id: 'b', name: 'f', arguments: '' })])).toEqual([
    'a f ',
    'b f ',
  ])
})

test('an index that is a number in a string is that index', () => {
  expect(
    callsOf(
      [piece({ index: '0', id: 'a', name: 'f', arguments: '{"x"' })],
      [piece({ index: '1', id: 'b', name: 'g', arguments: '{"y"' })],
      [piece({ index: '0', arguments: ':1}' })],
      [piece({ index: 1, arguments: ':2}' })],
    ),
  ).toEqual(['a f {"x":1}', 'b g {"y":2}'])
})

test('the first id and name that are not empty count, and are never concatenated', () => {
  const { calls, named } = assembled(
    [piece({ index: 0, id: '', name: '', arguments: '{' })],
    [piece({ index: 0, id: null, name: null, arguments: '' })],
    [piece({ index: 0, id: 'a', name: 'f', arguments: '}' })],
    [piece({ index: 0, id: 'a', name: 'f', arguments: null })],
    [piece({ index: 0, id: '', name: 'other' })],
  )
  expect(calls).toEqual(['a f {}'])
  expect(named).toEqual(['a:f'])
})

test('arguments given as an object become JSON; absent and null ones are nothing', () => {
  expect(
    callsOf([
      piece({ index: 0, id: 'a', name: 'f', arguments: { x: [1] } }),
      piece({ index: 1, id: 'b', name: 'g' }),
      piece({ index: 2, id: 'c', name: 'h', arguments: null }),
    ]),
  ).toEqual(['a f {"x":[1]}', 'b g ', 'c h '])
})

test('a call whose name never came keeps an empty one', () => {
  expect(callsOf([piece({ index: 0, id: 'a', arguments: '{}' })])).toEqual(['a - {}'])
})

test('what is no list, no object or has no function is passed over field by field', () => {
  expect(callsOf(null, 'x', {}, [null, 'x', 7], [])).toEqual([])
  expect(callsOf([{ index: 0, id: 'a', function: 'f' }], [{ index: 0, function: { name: 'f' } }])).toEqual([
    'a f ',
  ])
})

test('the deprecated function_call is one call without an id, unless tool_calls say it too', () => {
  const legacy = new ToolCallAssembly()
  const ignore = (): void => undefined
  legacy.add({ function_call: { name: 'f', arguments: '' } }, ignore)
  legacy.add({ function_call: { arguments: '{"x":' } }, ignore)
  legacy.add({ function_call: { arguments: '1}' } }, ignore)
  expect(legacy.calls()).toEqual([
    { id: '', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
  ])

  const both = new ToolCallAssembly()
  both.add({ tool_calls: [piece({ id: 'a', name: 'f' })], function_call: { name: 'f' } }, ignore)
  expect(both.calls()).toHaveLength(1)
})

test("Gemini's thought signature stays with its call", () => {
  const assembly = new ToolCallAssembly()
  const extra = { google: { thought_signature: 'abc' } }
  assembly.add({ tool_calls: [{ id: 'a', function: { name: 'f' }, extra_content: extra }] }, () => undefined)
  expect(assembly.calls()).toMatchObject([{ id: 'a', extra_content: extra }])
})
