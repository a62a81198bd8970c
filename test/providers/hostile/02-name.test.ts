import { expect, test } from 'vitest'
import { callStream, piece, read } from './made-stream.ts'

test('a name that comes late names the call', async () => {
  const { calls, heard } = await read(
    callStream(
      [piece({ index: 0, id: 'a', arguments: '{"x"' })],
      [piece({ index: 0, arguments: ':1}' })],
      [piece({ index: 0, name: 'f' })],
    ),
  )
  expect(calls).toEqual(['a f {"x":1}'])
  expect(heard).toEqual(['call a f'])
})

test('a name that is empty first is taken when it comes', async () => {
  const { calls } = await read(
    callStream(
      [piece({ index: 0, id: 'a', name: '', arguments: '' })],
      [piece({ index: 0, name: 'f', arguments: '{}' })],
    ),
  )
  expect(calls).toEqual(['a f {}'])
})

test('a name repeated in every piece is not concatenated, and heard once', async () => {
  const { calls, heard } = await read(
    callStream(
      ...['{"x"', ':', '1}'].map((text) => [piece({ index: 0, id: 'a', name: 'f', arguments: text })]),
    ),
  )
  expect(calls).toEqual(['a f {"x":1}'])
  expect(heard).toEqual(['call a f'])
})

test('a name that is null or empty in later pieces changes nothing', async () => {
  const { calls } = await read(
    callStream(
      [piece({ index: 0, id: 'a', name: 'f', arguments: '{"x"' })],
      [piece({ index: 0, name: null, arguments: ':1' })],
      [piece({ index: 0, name: '', arguments: '}' })],
    ),
  )
  expect(calls).toEqual(['a f {"x":1}'])
})

test('of two names the first that is not empty wins', async () => {
  const { calls } = await read(
    callStream(
      [piece({ index: 0, id: 'a', name: 'get_', arguments: '' })],
      [piece({ index: 0, name: 'weather', arguments: '{}' })],
    ),
  )
  expect(calls).toEqual(['a get_ {}'])
})

test('a name that is no text is none', async () => {
  const { calls } = await read(callStream([piece({ index: 0, id: 'a', name: { x: 1 }, arguments: '{}' })]))
  expect(calls).toEqual(['a - {}'])
})
