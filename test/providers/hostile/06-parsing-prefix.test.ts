import { expect, test } from 'vitest'
import { callStream, piece, read } from './made-stream.ts'

test('a prefix that already parses does not end the call', async () => {
  for (const pieces of [
    ['{"a":1', '}', ' ', '\n'],
    ['{}', ' ', '\n'],
    ['1', '2', '3'],
    ['{"a":"{}', '"}'],
    ['{"a":{}', '}'],
  ]) {
    const { calls } = await read(
      callStream(
        ...pieces.map((text, place) => [
          piece({ index: 0, ...(place === 0 && { id: 'a', name: 'f' }), arguments: text }),
        ]),
      ),
    )
    expect(calls).toEqual([`a f ${pieces.join('')}`])
  }
})

test('a prefix that parses does not end the call where id and name come with every piece', async () => {
  const { calls } = await read(
    callStream(
      ...['{"a":1}', ' ', '\n'].map((text) => [piece({ index: 0, id: 'a', name: 'f', arguments: text })]),
    ),
  )
  expect(calls).toEqual(['a f {"a":1} \n'])
})

test('a call goes on after another one has begun', async () => {
  const { calls } = await read(
    callStream(
      [piece({ index: 0, id: 'a', name: 'f', arguments: '{"a":1}' })],
      [piece({ index: 1, id: 'b', name: 'g', arguments: '{}' })],
      [piece({ index: 0, arguments: '\n' })],
    ),
  )
  expect(calls).toEqual(['a f {"a":1}\n', 'b g {}'])
})
