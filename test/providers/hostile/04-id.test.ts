import { expect, test } from 'vitest'
import { acceptAnswer } from '../../../src/engine/accept-answer.ts'
import { hostileTurn, sends } from './hostile-turn.ts'
import { callStream, piece, read } from './made-stream.ts'

test('an id that is missing, null or empty is told as empty, for the engine to make one', async () => {
  for (const id of [{}, { id: null }, { id: '' }]) {
    const { calls } = await read(callStream([piece({ index: 0, ...id, name: 'f', arguments: '{}' })]))
    expect(calls).toEqual(['- f {}'])
  }
})

test('an id that is null or empty later changes nothing, and one that comes late is taken', async () => {
  const { calls } = await read(
    callStream(
      [piece({ index: 0, name: 'f', arguments: '{' })],
      [piece({ index: 0, id: 'a' })],
      [piece({ index: 0, id: null, arguments: '}' })],
      [piece({ index: 0, id: '' })],
    ),
  )
  expect(calls).toEqual(['a f {}'])
})

test('of an id that is new in each piece the first counts, with an index and without', async () => {
  for (const index of [{ index: 0 }, {}]) {
    const { calls } = await read(
      callStream(
        [piece({ ...index, id: 'a', name: 'f', arguments: '{"x"' })],
        [piece({ ...index, id: 'b', arguments: ':1' })],
        [piece({ ...index, id: 'c', name: null, arguments: '}' })],
      ),
    )
    expect(calls).toEqual(['a f {"x":1}'])
  }
})

test('an id used twice in a step is two calls, and the engine tells them apart', async () => {
  const pieces = [
    { id: 'a', name: 'send', arguments: '{"to":"x"}' },
    { id: 'a', name: 'ping', arguments: '{}' },
  ]
  for (const lists of [
    [pieces.map((fields, index) => piece({ ...fields, index }))],
    [pieces.map((fields) => piece(fields))],
    pieces.map((fields) => [piece(fields)]),
  ]) {
    const { calls, answer } = await read(callStream(...lists))
    expect(calls).toEqual(['a send {"to":"x"}', 'a ping {}'])
    const ids = acceptAnswer(answer, { taken: new Set(), seed: 's', maxCalls: 9 }).calls.map(({ id }) => id)
    expect(new Set(ids).size).toBe(2)
  }
})

test('ids that are missing, or used again in the same or a later step, become unique ids of a valid history', async () => {
  const step = callStream([
    piece({ index: 0, id: 'a', name: 'send', arguments: '{"to":"x"}' }),
    piece({ index: 1, id: 'a', name: 'ping', arguments: '{}' }),
    piece({ index: 2, name: 'ping', arguments: '{}' }),
  ])
  const { ran, result, history } = await hostileTurn(sends(step), sends(step))
  expect(result?.reply).toBe('done')
  expect(ran.toSorted()).toEqual([
    ...Array.from({ length: 4 }, () => 'ping {}'),
    ...Array.from({ length: 2 }, () => 'send {"to":"x"}'),
  ])
  expect(history.filter(({ role }) => role === 'tool')).toHaveLength(6)
})
