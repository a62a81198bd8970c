import { expect, test } from 'vitest'
import { hostileTurn, sends } from './hostile-turn.ts'
import { callStream, piece, read } from './made-stream.ts'

async function callsOf(...lists: unknown[]): Promise<string[]> {
  return (await read(callStream(...lists))).calls
}

test('without an index, pieces belong together by id, else to the last open call', async () => {
  expect(
    await callsOf(
      [piece({ id: 'a', name: 'f', arguments: '{"x"' })],
      [piece({ id: 'b', name: 'g', arguments: '{"y"' })],
      [piece({ id: 'a', arguments: ':1}' })],
      [piece({ arguments: ':2}' })],
    ),
  ).toEqual(['a f {"x":1}', 'b g {"y":2} '.trim()])
  expect(
    await callsOf([piece({ id: 'a', name: 'f', arguments: '' })], [piece({ arguments: '{"x":1}' })]),
  ).toEqual(['a f {"x":1}'])
})

test('an index of null is none', async () => {
  expect(
    await callsOf(
      [piece({ index: null, id: 'a', name: 'f', arguments: '{"x"' })],
      [piece({ index: null, arguments: ':1}' })],
    ),
  ).toEqual(['a f {"x":1}'])
})

test('an index that only the later pieces have, or only the first, joins them to the call', async () => {
  const first = { id: 'a', name: 'f', arguments: '{"x"' }
  expect(
    await callsOf([piece(first)], [piece({ index: 0, arguments: ':1' })], [piece({ arguments: '}' })]),
  ).toEqual(['a f {"x":1}'])
  expect(await callsOf([piece({ ...first, index: 0 })], [piece({ arguments: ':1}' })])).toEqual([
    'a f {"x":1}',
  ])
  expect(await callsOf([piece(first)], [piece({ index: 0, id: 'a', arguments: ':1}' })])).toEqual([
    'a f {"x":1}',
  ])
})

test('the first index need not be 0, nor the indexes contiguous', async () => {
  expect(
    await callsOf(
      [piece({ index: 1, id: 'a', name: 'f', arguments: '{"x"' })],
      [piece({ index: 5, id: 'b', name: 'g', arguments: '{}' })],
      [piece({ index: 1, arguments: ':1}' })],
    ),
  ).toEqual(['a f {"x":1}', 'b g {}'])
})

test('an index repeated for two calls: a new id that names a function opens the second once the first is complete', async () => {
  const second = [
    piece({ index: 0, id: 'b', name: 'g', arguments: '{"y"' }),
    piece({ index: 0, arguments: ':2}' }),
  ]
  expect(
    await callsOf([piece({ index: 0, id: 'a', name: 'f', arguments: '{"x":1}' })], [second[0]], [second[1]]),
  ).toEqual(['a f {"x":1}', 'b g {"y":2}'])
})

test('an index repeated for a call without parameters and another function are two calls', async () => {
  expect(
    await callsOf(
      [piece({ index: 0, id: 'a', name: 'f', arguments: '' })],
      [piece({ index: 0, id: 'b', name: 'g', arguments: '{"y":2}' })],
    ),
  ).toEqual(['a f ', 'b g {"y":2}'])
})

test('whole calls in one chunk that share an index, with ids or without, are calls of their own', async () => {
  expect(
    await callsOf([
      piece({ index: 0, name: 'f', arguments: '{"x":1}' }),
      piece({ index: 0, name: 'f', arguments: '{"x":2}' }),
      piece({ index: 0, id: 'c', name: 'g', arguments: '{}' }),
    ]),
  ).toEqual(['- f {"x":1}', '- f {"x":2}', 'c g {}'])
})

test('a new id at a used index opens nothing without a name, nor while the arguments are open', async () => {
  expect(
    await callsOf(
      [piece({ index: 0, id: 'a', name: 'f', arguments: '{"x"' })],
      [piece({ index: 0, id: 'b', name: 'f', arguments: ':1}' })],
      [piece({ index: 0, id: 'c', arguments: ' ' })],
    ),
  ).toEqual(['a f {"x":1} '])
})

test('an index that is a string, negative or a fraction invents no call', async () => {
  expect(await callsOf([piece({ index: '0', id: 'a', name: 'f', arguments: '{}' })])).toEqual(['a f {}'])
  expect(
    await callsOf(
      [piece({ index: -3, id: 'a', name: 'f', arguments: '{"x"' })],
      [piece({ index: -3, arguments: ':1}' })],
    ),
  ).toEqual(['a f {"x":1}'])
  expect(await callsOf([piece({ index: 0.5, id: 'a', name: 'f', arguments: '{}' })])).toEqual(['a f {}'])
})

test('a piece with nothing in it is no call', async () => {
  const { calls } = await read(
    callStream([{}, { index: 4 }, piece({ index: 5, name: '', arguments: '' })], [null]),
  )
  expect(calls).toEqual([])
})

test('calls whose indexes are strings are told apart', async () => {
  expect(
    await callsOf(
      [piece({ index: '0', id: 'a', name: 'f', arguments: '{"x"' })],
      [piece({ index: '1', id: 'b', name: 'g', arguments: '{"y"' })],
      [piece({ index: '0', arguments: ':1}' }), piece({ index: '1', arguments: ':2}' })],
    ),
  ).toEqual(['a f {"x":1}', 'b g {"y":2}'])
})

test('a name in each piece, with an id made up for each or none, runs the one call that was made', async () => {
  const cut = ['', '{"to":', '"x"}', '']
  const named = [
    cut.map((args, count) => piece({ id: `id${count}`, name: 'send', arguments: args })),
    cut.slice(1).map((args) => piece({ name: 'send', arguments: args })),
    cut.map((args, count) => piece({ index: 0, id: `id${count}`, name: 'send', arguments: args })),
    ['{"to":"x"}', ''].map((args, count) =>
      piece({ index: 0, id: `id${count}`, name: 'send', arguments: args }),
    ),
  ]
  for (const pieces of named) {
    const { ran } = await hostileTurn(sends(callStream(...pieces.map((one) => [one]))))
    expect(ran).toEqual(['send {"to":"x"}'])
  }
})
